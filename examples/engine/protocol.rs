//! Requests and answers. Each request and each answer is sent in a frame. A frame begins with the length of its contents, as a
//! little-endian `u32`.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpStream, ToSocketAddrs};

use super::codec::{self, Decoder, Pairs, malformed};

const MAX_FRAME_LEN: u32 = 1 << 25;

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Reads the value of a key.
    Get(Vec<u8>),
    /// Stores a key and a value.
    Put(Vec<u8>, Vec<u8>),
    /// Deletes a key.
    Delete(Vec<u8>),
    /// Reads at most this number of keys and values, beginning at the key.
    Scan(Vec<u8>, u32),
}

/// The answer to a request: the keys and values that were found (none for a write), or the text of an error.
pub type Answer = Result<Pairs, String>;

impl Request {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Get(key) => {
                out.push(0);
                codec::put_bytes(&mut out, key);
            }
            Self::Put(key, value) => {
                out.push(1);
                codec::put_bytes(&mut out, key);
                codec::put_bytes(&mut out, value);
            }
            Self::Delete(key) => {
                out.push(2);
                codec::put_bytes(&mut out, key);
            }
            Self::Scan(from, limit) => {
                out.push(3);
                codec::put_bytes(&mut out, from);
                out.extend(limit.to_le_bytes());
            }
        }
        out
    }

    pub(crate) fn decode(frame: &[u8]) -> Option<Self> {
        let mut decoder = Decoder(frame);
        let (op, key) = (decoder.u8()?, decoder.bytes()?.to_vec());
        let request = match op {
            0 => Self::Get(key),
            1 => Self::Put(key, decoder.bytes()?.to_vec()),
            2 => Self::Delete(key),
            3 => Self::Scan(key, decoder.u32()?),
            _ => return None,
        };
        decoder.0.is_empty().then_some(request)
    }
}

/// Encodes an answer. The client refuses an answer that is over `MAX_FRAME_LEN`, so this becomes an error.
pub(crate) fn encode_answer(answer: &Answer) -> Vec<u8> {
    let mut out = Vec::new();
    match answer {
        Ok(entries) => {
            out.push(0);
            for (key, value) in entries {
                codec::put_entry(&mut out, key, Some(value));
                if out.len() > MAX_FRAME_LEN as usize {
                    let error = "the answer is over 32 MiB; scan fewer keys at once";
                    return encode_answer(&Err(error.to_owned()));
                }
            }
        }
        Err(text) => {
            out.push(1);
            out.extend(text.as_bytes());
        }
    }
    out
}

fn decode_answer(frame: &[u8]) -> Option<Answer> {
    let mut decoder = Decoder(frame);
    if decoder.u8()? == 1 {
        return Some(Err(String::from_utf8_lossy(decoder.0).into_owned()));
    }
    let mut entries = Vec::new();
    while !decoder.0.is_empty() {
        let (key, value) = decoder.entry()?;
        entries.push((key.to_vec(), value?.to_vec()));
    }
    Some(Ok(entries))
}

/// Reads a frame. Returns `None` at the end of the stream.
pub(crate) async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    let len = match stream.read_u32_le().await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        len => len?,
    };
    if len > MAX_FRAME_LEN {
        return Err(malformed());
    }
    let mut frame = vec![0; len as usize];
    stream.read_exact(&mut frame).await?;
    Ok(Some(frame))
}

pub(crate) async fn write_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
) -> io::Result<()> {
    stream.write_u32_le(frame.len().try_into().map_err(|_| malformed())?).await?;
    stream.write_all(frame).await?;
    stream.flush().await
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client(BufStream<TcpStream>);

impl Client {
    /// Connects to a server.
    pub async fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufStream::new(stream)))
    }

    /// Sends a request and waits for the answer.
    pub async fn call(&mut self, request: &Request) -> io::Result<Answer> {
        write_frame(&mut self.0, &request.encode()).await?;
        let frame = read_frame(&mut self.0).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        decode_answer(&frame).ok_or_else(malformed)
    }
}
