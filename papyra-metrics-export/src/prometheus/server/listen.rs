//! Opens listening sockets on all addresses of a host name.

use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};

use mio::net::TcpListener;
use socket2::SockRef;

/// The number of clients that may wait to be accepted. The operating system drops the first packet of any further
/// client, which delays that client by a second.
const BACKLOG: i32 = 1024;
/// The number of ports that are tried if the caller asks for port 0. A port that the operating system chooses for the
/// first address may be in use at another address.
const MAX_ATTEMPTS: usize = 16;

/// Listens at one port on every address that a name resolves to. Addresses that do not exist on this machine (such as
/// the IPv6 address of `localhost`) are skipped. If none of the addresses exists, returns an error.
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
    // On most systems, an IPv6 socket for all addresses also needs the IPv4 port, so it is opened before the others.
    addresses.sort_by_key(|address| !(address.is_ipv6() && address.ip().is_unspecified()));
    if addresses.is_empty() {
        let message = format!("cannot listen: {address:?} resolves to no address");
        return Err(io::Error::new(ErrorKind::NotFound, message));
    }
    let mut attempt = 1;
    loop {
        match listen_on_each(&addresses) {
            // Port 0 means any free port, so another attempt may get a port that is free at all addresses.
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
        // If the caller asked for port 0, all addresses use the port that the first address got.
        with_port.set_port(port.filter(|_| address.port() == 0).unwrap_or(address.port()));
        let bound = TcpListener::bind(with_port).and_then(|listener| {
            // `bind` has already called `listen`, but with a shorter queue.
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
            // On most systems, an IPv6 socket for all addresses also receives the IPv4 connections to its port.
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && is_covered(&listeners, with_port) => {}
            Err(error) => return Err((address, error)),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

/// Returns whether the address or its address family does not exist on this machine.
fn is_missing(error: &io::Error) -> bool {
    // `EAFNOSUPPORT` has no `ErrorKind`. Its code is 97 on Linux, 47 on macOS and the BSDs, and 10047 on Windows.
    error.kind() == ErrorKind::AddrNotAvailable
        || matches!(error.raw_os_error(), Some(97 | 47 | 10047))
}

/// Returns whether one of the listeners receives the connections to this address.
fn is_covered(listeners: &[TcpListener], address: SocketAddr) -> bool {
    let any_ipv6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port()));
    let is_any_ipv6 = |listener: &TcpListener| listener.local_addr().is_ok_and(|it| it == any_ipv6);
    address.is_ipv4() && listeners.iter().any(is_any_ipv6)
}

fn with_context(error: &io::Error, context: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{context}: {error}"))
}
