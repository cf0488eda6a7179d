//! Listening sockets for every address of a name.

use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use mio::net::TcpListener;
use socket2::SockRef;

/// The number of clients that may wait to be accepted. The first packet of any further client is dropped, which delays it by
/// a second.
const BACKLOG: i32 = 1024;
/// How often another port is tried if the one that the first address got is in use at another address.
const MAX_ATTEMPTS: usize = 16;

/// Listens on every address that a name resolves to, at one port. Addresses that do not exist on this machine (such as
/// `localhost` as IPv6) are skipped, unless none exists.
pub(super) fn listen(address: &(impl ToSocketAddrs + Debug)) -> io::Result<Vec<TcpListener>> {
    let mut addresses = Vec::new();
    let resolved = address
        .to_socket_addrs()
        .map_err(|error| with_context(&error, &format!("cannot resolve {address:?}")))?;
    for resolved in resolved {
        if !addresses.contains(&resolved) {
            addresses.push(resolved);
        }
    }
    if addresses.is_empty() {
        let message = format!("cannot listen: {address:?} resolves to no address");
        return Err(io::Error::new(ErrorKind::NotFound, message));
    }
    let mut attempt = 1;
    loop {
        match listen_on_each(&addresses) {
            // Port 0 means any free port, so another try may succeed.
            Err((failed, error))
                if failed.port() == 0
                    && error.kind() == ErrorKind::AddrInUse
                    && attempt < MAX_ATTEMPTS =>
            {
                attempt += 1;
            }
            result => {
                return result.map_err(|(failed, error)| {
                    with_context(&error, &format!("cannot listen on {failed}"))
                });
            }
        }
    }
}

fn listen_on_each(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = None;
    let mut missing = None;
    for &address in addresses {
        let mut with_port = address;
        // Names have one port, which is 0 if any will do.
        with_port.set_port(port.filter(|_| address.port() == 0).unwrap_or(address.port()));
        let bound = TcpListener::bind(with_port).and_then(|listener| {
            // Called again, because `bind` uses a shorter queue.
            SockRef::from(&listener).listen(BACKLOG)?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        });
        match bound {
            Ok((listener, bound_port)) => {
                port.get_or_insert(bound_port);
                listeners.push(listener);
            }
            Err(error) if is_missing(&error) => missing = missing.or(Some((address, error))),
            // An IPv6 socket for all addresses takes those of IPv4 too on most systems.
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && is_covered(&listeners, address) => {}
            Err(error) => return Err((address, error)),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

/// Whether this machine lacks the address or its address family.
fn is_missing(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no `ErrorKind`: 97 on Linux, 47 on macOS and the BSDs, 10047 on Windows.
    error.kind() == ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}

fn is_covered(listeners: &[TcpListener], address: SocketAddr) -> bool {
    let is_any_ipv6 = |listener: &TcpListener| {
        listener.local_addr().is_ok_and(|it| it.is_ipv6() && it.ip().is_unspecified())
    };
    address.is_ipv4() && listeners.iter().any(is_any_ipv6)
}

fn with_context(error: &io::Error, context: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{context}: {error}"))
}
