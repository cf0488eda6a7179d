//! The event loop of the table on a terminal: readings, keys and signals.

use std::{
    io, panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::{self, Screen, Signals};
use super::table::View;
use crate::source::Source;

/// The longest time until the event loop notices a signal.
const SIGNAL_LATENCY: Duration = Duration::from_millis(100);

/// Shows the view until the user quits, a signal ends the program, or `count` readings have been shown. Restores the
/// terminal at the end.
pub(crate) fn run(source: Source<'_>, mut view: View, count: Option<u64>) -> io::Result<()> {
    let signals = Signals::catch()?;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        screen::restore();
        hook(info);
    }));
    let mut screen = Screen::enter()?;
    let events = Events::read();
    let done = run_loop(&mut screen, &events, source, &mut view, count, &signals);
    drop(events);
    drop(screen);
    signals.end()?;
    done
}

/// Receives keys and size changes from a thread that reads the terminal. A separate thread is needed because the
/// terminal may send an incomplete escape sequence: reading then blocks, and signals must still be handled.
struct Events {
    received: Receiver<io::Result<Event>>,
    is_dropped: Arc<AtomicBool>,
}

impl Events {
    fn read() -> Self {
        let (send, received) = channel();
        let is_dropped = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_dropped);
        thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let event = match event::poll(SIGNAL_LATENCY) {
                    Ok(false) => continue,
                    Ok(true) => event::read(),
                    Err(error) => Err(error),
                };
                let is_last = event.is_err();
                if send.send(event).is_err() || is_last {
                    break;
                }
            }
        });
        Self { received, is_dropped }
    }

    /// Waits for the next event, for at most `timeout`.
    fn wait(&self, timeout: Duration) -> io::Result<Option<Event>> {
        match self.received.recv_timeout(timeout) {
            Ok(event) => event.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
    }
}

fn run_loop(
    screen: &mut Screen,
    events: &Events,
    source: Source<'_>,
    view: &mut View,
    count: Option<u64>,
    signals: &Signals,
) -> io::Result<()> {
    let mut next = Instant::now() + view.interval;
    let mut readings = 1;
    while !signals.has_ended() {
        screen.draw(|frame| view.draw(frame))?;
        match wait(screen, events, view, next, signals)? {
            Wake::Quit => return Ok(()),
            Wake::Redraw => {}
            Wake::Reading => {
                if count.is_some_and(|count| readings >= count) {
                    return Ok(());
                }
                view.update(&mut source.read(), Instant::now());
                readings += 1;
                next = Instant::now() + view.interval;
            }
        }
    }
    Ok(())
}

enum Wake {
    Quit,
    Redraw,
    Reading,
}

/// Waits for an event, but not longer than until the next reading is due.
fn wait(
    screen: &mut Screen,
    events: &Events,
    view: &mut View,
    next: Instant,
    signals: &Signals,
) -> io::Result<Wake> {
    loop {
        if signals.has_ended() {
            return Ok(Wake::Quit);
        }
        if signals.take_stop() {
            stop(screen, signals)?;
            return Ok(Wake::Redraw);
        }
        if signals.take_continue() {
            // The process was stopped by a signal that is not caught, and the shell may have used the terminal in the
            // meantime.
            screen.enter_again()?;
            return Ok(Wake::Redraw);
        }
        let left = next.saturating_duration_since(Instant::now());
        // Events are handled before a reading that is due. Otherwise keys would be ignored whenever drawing takes
        // longer than the interval.
        match events.wait(left.min(SIGNAL_LATENCY))? {
            Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                if is_control(key, 'z') && screen::can_stop() {
                    stop(screen, signals)?;
                } else if is_control(key, 'c') || view.handle_key(key) {
                    return Ok(Wake::Quit);
                }
                return Ok(Wake::Redraw);
            }
            Some(_) => return Ok(Wake::Redraw),
            None if left.is_zero() => return Ok(Wake::Reading),
            None => {}
        }
    }
}

fn is_control(key: KeyEvent, letter: char) -> bool {
    key.code == KeyCode::Char(letter) && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// Restores the terminal, stops the process, and sets up the terminal again when the process is continued.
fn stop(screen: &mut Screen, signals: &Signals) -> io::Result<()> {
    screen::restore();
    Signals::stop()?;
    signals.take_continue();
    screen.enter_again()
}
