//! Controls the terminal in raw mode on its alternate screen, and handles the signals at which the terminal has to be
//! restored.

use std::{
    io::{self, Stdout, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    crossterm::{
        cursor::{Hide, Show},
        execute,
        terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen},
    },
    layout::Rect,
};

use crate::output::terminal_size;

/// The terminal while the table is shown on it. Dropping this value restores the previous state of the terminal.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    area: Rect,
}

impl Screen {
    pub(crate) fn enter() -> io::Result<Self> {
        let area = area();
        let entered =
            enter_raw_mode().and_then(|()| Ok(Self { terminal: new_terminal(area)?, area }));
        if entered.is_err() {
            restore();
        }
        entered
    }

    /// Draws a frame at the current size of the terminal.
    pub(crate) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let area = area();
        if area != self.area {
            self.terminal = new_terminal(area)?;
            self.area = area;
        }
        self.terminal.draw(render)?;
        Ok(())
    }

    /// Sets up and clears the terminal again after another program may have changed it.
    pub(crate) fn enter_again(&mut self) -> io::Result<()> {
        // crossterm still assumes that raw mode is on, and would not turn it on again.
        terminal::disable_raw_mode()?;
        enter_raw_mode()?;
        self.area = area();
        self.terminal = new_terminal(self.area)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter_raw_mode() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

/// Restores the terminal. Errors are ignored, because a terminal that does not respond is closed and need not be
/// restored.
pub(crate) fn restore() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = terminal::disable_raw_mode();
    let _ = io::stdout().flush();
}

fn new_terminal(area: Rect) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    execute!(io::stdout(), Clear(ClearType::All))?;
    let options = TerminalOptions { viewport: Viewport::Fixed(area) };
    Terminal::with_options(CrosstermBackend::new(io::stdout()), options)
}

fn area() -> Rect {
    let (columns, rows) = terminal_size();
    bounded(columns, rows)
}

/// Returns the area to draw in: the terminal, limited to 512 columns, and to 65,535 cells, which is the limit of ratatui.
fn bounded(columns: u16, rows: u16) -> Rect {
    const MAX_COLUMNS: u16 = 512;
    let columns = columns.clamp(1, MAX_COLUMNS);
    Rect::new(0, 0, columns, rows.clamp(1, u16::MAX / columns))
}

/// The caught signals, other than SIGTERM and SIGINT, that end a process by default.
#[cfg(unix)]
const TERMINATING: [std::ffi::c_int; 7] = {
    use signal_hook::consts::{SIGALRM, SIGHUP, SIGPROF, SIGQUIT, SIGUSR1, SIGUSR2, SIGVTALRM};
    [SIGALRM, SIGHUP, SIGPROF, SIGQUIT, SIGUSR1, SIGUSR2, SIGVTALRM]
};

/// The signals that have arrived and have not been handled yet.
#[derive(Default)]
pub(crate) struct Signals {
    ended: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
}

impl Signals {
    /// Catches the signals that would leave the terminal in raw mode. The first signal that should end the process is
    /// only recorded; a second one ends the process at once.
    pub(crate) fn catch() -> io::Result<Self> {
        let signals = Self::default();
        #[cfg(unix)]
        {
            use signal_hook::{consts, flag};
            for signal in [consts::SIGTERM, consts::SIGINT].iter().chain(&TERMINATING).copied() {
                flag::register_conditional_default(signal, Arc::clone(&signals.ended))?;
                let number = usize::try_from(signal).map_err(io::Error::other)?;
                flag::register_usize(signal, Arc::clone(&signals.signal), number)?;
                flag::register(signal, Arc::clone(&signals.ended))?;
            }
            flag::register(consts::SIGTSTP, Arc::clone(&signals.stopped))?;
            flag::register(consts::SIGCONT, Arc::clone(&signals.continued))?;
        }
        Ok(signals)
    }

    /// Returns whether a signal has arrived that ends the process.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Returns whether SIGTSTP, which stops the process until it is continued, has arrived since the last call.
    pub(crate) fn take_stop(&self) -> bool {
        self.stopped.swap(false, Ordering::Relaxed)
    }

    /// Returns whether SIGCONT, which continues a stopped process, has arrived since the last call.
    pub(crate) fn take_continue(&self) -> bool {
        self.continued.swap(false, Ordering::Relaxed)
    }

    /// Stops the process as the signal SIGTSTP does by default. Returns when the process is continued.
    #[cfg(unix)]
    pub(crate) fn stop() -> io::Result<()> {
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
    }

    #[cfg(not(unix))]
    pub(crate) fn stop() -> io::Result<()> {
        Ok(())
    }

    /// Ends the process as the caught signal does by default. Does nothing for SIGTERM and SIGINT, after which the
    /// program exits in the same way as after the key `q`.
    pub(crate) fn end(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            for signal in TERMINATING {
                if usize::try_from(signal) == Ok(self.signal.load(Ordering::Relaxed)) {
                    return signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        }
        Ok(())
    }
}

/// Returns whether the process is controlled by a shell that can continue it after a stop. A process without such a
/// shell would remain stopped.
#[cfg(unix)]
pub(crate) fn can_stop() -> bool {
    use rustix::process::{getpgid, getpgrp, getppid, getsid};
    let Some(parent) = getppid() else { return false };
    matches!((getsid(Some(parent)), getsid(None)), (Ok(parent), Ok(own)) if parent == own)
        && getpgid(Some(parent)).is_ok_and(|group| group != getpgrp())
}

#[cfg(not(unix))]
pub(crate) fn can_stop() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::{Rect, bounded};

    #[test]
    fn an_area_has_at_most_65535_cells() {
        assert_eq!(bounded(80, 24), Rect::new(0, 0, 80, 24));
        for (columns, rows) in [(1, u16::MAX), (u16::MAX, 1), (u16::MAX, u16::MAX), (500, 500)] {
            let area = bounded(columns, rows);
            assert!(usize::from(area.width) * usize::from(area.height) <= 65_535, "{area}");
            assert!(area.width >= columns.min(512) && area.height >= rows.min(127), "{area}");
        }
    }
}
