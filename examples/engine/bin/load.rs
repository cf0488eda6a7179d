//! Puts load on a server.
//!
//! ```text
//! engine-load ADDRESS [SECONDS [CLIENTS]]
//! ```
//!
//! On average, five of ten requests are puts, three are gets, one is a scan and one a deletion. Each client has keys that
//! no other client or run uses, and compares the answers to gets and scans with the values that it stored. Keys whose last
//! write failed are not compared.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use papyra_metrics::{FineLatency, Histogram, metrics};
use papyra_metrics_engine_example::Pairs;
use papyra_metrics_engine_example::protocol::{Answer, Client, Request};

/// How long a request takes, as measured by the client.
static LATENCY: Histogram<FineLatency> = Histogram::new();

const KEYS: u64 = 5000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let address = arguments.first().ok_or("usage: engine-load ADDRESS [SECONDS [CLIENTS]]")?;
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |it| it.parse());
    let (seconds, clients) = (number(1, 10)?, number(2, 8)?);
    let end = Instant::now() + Duration::from_secs(seconds);
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let clients: Vec<_> = (0..clients)
        .map(|client| tokio::spawn(run_client(address.clone(), format!("{run}/{client}/"), end)))
        .collect();
    let mut errors = BTreeMap::new();
    for client in clients {
        for (text, count) in client.await?? {
            *errors.entry(text).or_insert(0) += count;
        }
    }
    println!("{}", LATENCY.get());
    for (text, count) in errors {
        println!("{count} errors: {text}");
    }
    Ok(())
}

#[metrics(time = LATENCY)]
async fn call(connection: &mut Client, request: &Request) -> io::Result<Answer> {
    connection.call(request).await
}

/// The keys and values that a client has stored. The value is `None` if the last write of the key failed, because the
/// key may then have its old value or the new value.
type Stored = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Sends requests until `end`. Returns the error messages of the server, and how often each message occurred.
async fn run_client(
    address: String,
    prefix: String,
    end: Instant,
) -> io::Result<BTreeMap<String, u64>> {
    let mut connection = Client::connect(address).await?;
    let (mut stored, mut errors) = (Stored::new(), BTreeMap::new());
    // A linear congruential generator: its numbers are random enough for a load.
    let mut random = prefix.bytes().map(u64::from).sum::<u64>();
    while Instant::now() < end {
        random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        let key = format!("{prefix}{:06}", (random >> 33) % KEYS).into_bytes();
        let request = match (random >> 20) % 10 {
            0..5 => Request::Put(key, value(random)),
            5..8 => Request::Get(key),
            8 => Request::Scan(key, 20),
            _ => Request::Delete(key),
        };
        match call(&mut connection, &request).await? {
            Ok(found) => check(&mut stored, &prefix, request, found),
            Err(text) => {
                if let Request::Put(key, _) | Request::Delete(key) = request {
                    stored.insert(key, None);
                }
                *errors.entry(text).or_insert(0) += 1;
            }
        }
    }
    Ok(errors)
}

fn value(random: u64) -> Vec<u8> {
    let words = 12 + (random >> 40) % 240;
    (0..words).flat_map(|at| random.wrapping_mul(2 * at + 1).to_le_bytes()).collect()
}

/// Compares the answer to a read with the stored contents, or updates the stored contents after a write.
fn check(stored: &mut Stored, prefix: &str, request: Request, found: Pairs) {
    match request {
        Request::Put(key, value) => drop(stored.insert(key, Some(value))),
        Request::Delete(key) => drop(stored.remove(&key)),
        Request::Get(key) => match stored.get(&key) {
            Some(None) => {}
            expected => {
                let expected = expected.and_then(Option::as_ref);
                assert!(found.first().map(|(_, value)| value) == expected, "a value differs");
            }
        },
        Request::Scan(from, limit) => {
            // If the scan reached its limit, it ended at its last key. Otherwise, it reached the end of the store.
            let reached_limit = found.len() >= limit as usize;
            let last = found.last().filter(|_| reached_limit).map(|(key, _)| key.clone());
            let is_scanned = |key: &Vec<u8>| last.as_ref().is_none_or(|last| key <= last);
            // The scanned range may include keys of other clients, which are not compared.
            let own = found.into_iter().filter(|(key, _)| key.starts_with(prefix.as_bytes()));
            let own: BTreeMap<_, _> = own.map(|(key, value)| (key, Some(value))).collect();
            let is_known = |key: &[u8]| stored.get(key) != Some(&None);
            let expected = stored.range(from..).take_while(|(key, _)| is_scanned(key));
            let expected = expected.filter(|(_, value)| value.is_some());
            assert!(own.iter().filter(|(key, _)| is_known(key)).eq(expected), "a scan differs");
        }
    }
}
