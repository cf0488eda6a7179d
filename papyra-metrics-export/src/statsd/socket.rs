//! Datagram sockets, and the meaning of their errors.

use std::fmt::{self, Debug};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
#[cfg(unix)]
use std::os::unix::{self, net::UnixDatagram};
#[cfg(unix)]
use std::path::{Path, PathBuf};

/// The error code for a datagram that is too long. The standard library has no `ErrorKind` for this error.
const EMSGSIZE: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else if cfg!(windows) {
    10040
} else {
    40
};

/// A socket that never blocks.
pub(super) enum Socket {
    Udp(Udp),
    /// A Unix socket and the path of the daemon. The socket is not connected, because a restarted daemon creates a new
    /// socket at the path.
    #[cfg(unix)]
    Unix(UnixDatagram, PathBuf),
}

/// A UDP socket. The socket is connected, so that it returns an error after the network has reported that the port is
/// unreachable.
pub(super) struct Udp {
    pub(super) socket: UdpSocket,
    /// All addresses of the daemon's host name.
    addresses: Vec<SocketAddr>,
    /// The index in `addresses` of the address to which the socket is connected.
    current: usize,
    /// Whether the daemon is on this machine. A report of a failed delivery then arrives before `send` returns.
    pub(super) is_local: bool,
}

/// The reason why a datagram counts as not sent.
pub(super) enum SendError {
    /// The datagram exceeds the limit of the socket, and can never be sent.
    TooLong,
    /// The buffer of the receiver's socket or of this socket is full. The datagram may be sent later.
    Full(io::Error),
    /// Another error occurred, or the network has reported that this datagram did not arrive. The datagram may be sent
    /// later.
    NotSent(io::Error),
    /// The network has reported that this datagram or earlier ones did not arrive. All of them have to be sent again.
    Lost(io::Error),
}

impl Socket {
    pub(super) fn udp(address: &(impl ToSocketAddrs + Debug)) -> io::Result<Self> {
        let resolved = address.to_socket_addrs().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot resolve {address:?}: {error}"))
        })?;
        let addresses: Vec<_> = resolved.collect();
        let mut last_error = None;
        for (current, &resolved) in addresses.iter().enumerate() {
            match connect(resolved) {
                Ok((socket, is_local)) => {
                    return Ok(Self::Udp(Udp { socket, addresses, current, is_local }));
                }
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| {
            io::Error::new(ErrorKind::NotFound, format!("{address:?} resolves to no address"))
        }))
    }

    #[cfg(unix)]
    pub(super) fn unix(path: &Path) -> io::Result<Self> {
        // A path that is invalid for every socket is reported here, instead of by every export.
        let valid = match unix::net::SocketAddr::from_pathname(path) {
            Ok(_) if path.as_os_str().is_empty() => {
                Err(io::Error::new(ErrorKind::InvalidInput, "the path is empty"))
            }
            result => result.map(drop),
        };
        let context = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot send to {}: {error}", path.display()))
        };
        valid.map_err(context)?;
        let socket = UnixDatagram::unbound().map_err(context)?;
        socket.set_nonblocking(true)?;
        Ok(Self::Unix(socket, path.to_owned()))
    }

    pub(super) fn send(&self, datagram: &[u8]) -> Result<(), SendError> {
        loop {
            let result = match self {
                Self::Udp(Udp { socket, .. }) => socket.send(datagram),
                #[cfg(unix)]
                Self::Unix(socket, path) => socket.send_to(datagram, path),
            };
            let Err(error) = result else {
                return self.take_report().map_or(Ok(()), |error| Err(self.refused(error)));
            };
            return Err(match error.kind() {
                ErrorKind::Interrupted => continue,
                ErrorKind::WouldBlock => SendError::Full(error),
                _ if error.raw_os_error() == Some(EMSGSIZE) => SendError::TooLong,
                _ if is_delivery_report(&error) && self.is_udp() => SendError::Lost(error),
                _ => SendError::NotSent(error),
            });
        }
    }

    /// Removes and returns the network's report that an earlier datagram was not delivered, if there is one.
    pub(super) fn take_report(&self) -> Option<io::Error> {
        match self {
            Self::Udp(Udp { socket, .. }) => socket.take_error().unwrap_or_else(Some),
            #[cfg(unix)]
            Self::Unix(..) => None,
        }
    }

    /// Returns the error for a report of a failed delivery. The report may concern the last datagram or an earlier one.
    fn refused(&self, error: io::Error) -> SendError {
        if self.reports_at_once() { SendError::NotSent(error) } else { SendError::Lost(error) }
    }

    /// Returns whether a report of a failed delivery arrives before `send` returns.
    pub(super) fn reports_at_once(&self) -> bool {
        match self {
            Self::Udp(udp) => udp.is_local,
            #[cfg(unix)]
            Self::Unix(..) => true,
        }
    }

    /// Adds the address of the daemon to an error.
    pub(super) fn with_address(&self, error: &io::Error) -> io::Error {
        let message = match self {
            Self::Udp(udp) => format!("cannot send to {}: {error}", udp.addresses[udp.current]),
            #[cfg(unix)]
            Self::Unix(_, path) => format!("cannot send to {}: {error}", path.display()),
        };
        io::Error::new(error.kind(), message)
    }

    fn is_udp(&self) -> bool {
        matches!(self, Self::Udp(_))
    }

    /// Connects a new UDP socket to the next address of the daemon's host name. The daemon may now listen on a
    /// different address, and the addresses of this machine may have changed.
    pub(super) fn renew(&mut self) {
        if let Self::Udp(udp) = self {
            udp.current = (udp.current + 1) % udp.addresses.len();
            // If no new socket can be opened, the old socket stays in use.
            if let Ok((socket, is_local)) = connect(udp.addresses[udp.current]) {
                (udp.socket, udp.is_local) = (socket, is_local);
            }
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<(UdpSocket, bool)> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let context = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot send to {address}: {error}"))
    };
    let socket = UdpSocket::bind(any).map_err(context)?;
    socket.set_nonblocking(true)?;
    socket.connect(address).map_err(context)?;
    let peer = socket.peer_addr().map_err(context)?.ip();
    let is_local = peer.is_loopback() || socket.local_addr().is_ok_and(|local| local.ip() == peer);
    Ok((socket, is_local))
}

/// Returns whether the error is a report from the network that a datagram could not be delivered.
fn is_delivery_report(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable
    )
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(Udp { socket, .. }) => socket.fmt(f),
            #[cfg(unix)]
            Self::Unix(_, path) => path.fmt(f),
        }
    }
}
