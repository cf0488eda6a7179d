//! Parses HTTP/1.0 and HTTP/1.1 requests and creates responses, as far as a scrape needs them (RFC 9110, RFC 9112).

use std::sync::Arc;

use super::super::{Format, Scrape};

/// The maximum size of a request head. Scrapers send much smaller heads.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 100;

/// The path that the server answers with metrics.
const PATH: &str = "/metrics";

/// The result of parsing the bytes received so far.
pub(super) enum Received {
    /// The request is not complete yet.
    Incomplete,
    /// A request that needs a scrape in this format.
    Scrape(Format),
    /// A request that is answered without a scrape, for example with an error.
    Answered(Response),
}

/// A response that is ready to be sent. All clients that wait for the same scrape share the body.
#[derive(Clone)]
pub(super) struct Response {
    pub(super) head: Arc<str>,
    pub(super) body: Arc<String>,
}

/// Parses the bytes of a request received so far. A request body is ignored: a scrape has no body, and the connection
/// is closed after the response to any request.
pub(super) fn parse(received: &[u8]) -> Received {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let result = match request.parse(received) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD_BYTES => respond(&request),
        Ok(httparse::Status::Partial) if received.len() <= MAX_HEAD_BYTES => Received::Incomplete,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            let text = "the request header is too long\n";
            Received::Answered(Response::text("431 Request Header Fields Too Large", "", text))
        }
        Err(httparse::Error::Version) => {
            let text = "only HTTP/1.0 and HTTP/1.1 are supported\n";
            Received::Answered(Response::text("505 HTTP Version Not Supported", "", text))
        }
        Err(error) => {
            let text = format!("not an HTTP request: {error}\n");
            Received::Answered(Response::text("400 Bad Request", "", &text))
        }
    };
    match result {
        // RFC 9110, 9.3.2: no response to `HEAD` has a body, not even an error.
        Received::Answered(response) if request.method == Some("HEAD") => {
            Received::Answered(response.without_body())
        }
        result => result,
    }
}

fn respond(request: &httparse::Request<'_, '_>) -> Received {
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let headers = |name: &'static str| {
        let headers = request.headers.iter();
        headers.filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    let mut hosts = headers("host").map(|header| header.value);
    let has_wrong_host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => !is_host(host),
        (Some(_), Some(_)) => true,
        (None, _) => request.version == Some(1),
    };
    let format = || {
        let values = headers("accept").map(|header| String::from_utf8_lossy(header.value));
        Format::accepted(&values.collect::<Vec<_>>().join(","))
    };
    let response = match (method, path(target)) {
        // RFC 9112, 3.2: a server must refuse these requests.
        _ if has_wrong_host => {
            let text = "an HTTP/1.1 request needs exactly one valid `Host` header\n";
            Response::text("400 Bad Request", "", text)
        }
        ("GET", PATH) => return Received::Scrape(format()),
        // `HEAD` is answered without a scrape, because a scrape would mark the last values of closed backends as
        // delivered.
        ("HEAD", PATH) => {
            let content_type = format().content_type();
            Response::new("200 OK", &format!("Content-Type: {content_type}\r\n"))
        }
        (_, PATH) => Response::text("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "use GET\n"),
        _ => Response::text("404 Not Found", "", "the metrics are at /metrics\n"),
    };
    Received::Answered(response)
}

/// Returns whether the value of a `Host` header has only characters of a host and a port (RFC 3986, 3.2.2).
fn is_host(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte))
}

/// Returns the path of a request target in origin form (`/metrics?name=value`) or in absolute form
/// (`http://host/metrics`), which a server must accept (RFC 9112, 3.2.2).
fn path(target: &str) -> &str {
    let scheme = target.split_once("://").filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    let origin_form = scheme.map_or(target, |(_, authority)| {
        authority.find(['/', '?']).map_or("/", |start| &authority[start..])
    });
    origin_form.split('?').next().unwrap_or_default()
}

impl Response {
    /// Creates the response to a successful scrape.
    pub(super) fn scraped(scrape: Scrape) -> Self {
        let Scrape { content_type, body } = scrape;
        let headers = format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
        Self { body: Arc::new(body), ..Self::new("200 OK", &headers) }
    }

    /// Creates the response to a failed scrape.
    pub(super) fn failed() -> Self {
        let text = "the scrape failed; `Server::last_error` has the reason\n";
        Self::text("500 Internal Server Error", "", text)
    }

    fn text(status: &str, headers: &str, text: &str) -> Self {
        let headers = format!(
            "{headers}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
            text.len()
        );
        Self { body: Arc::new(text.to_owned()), ..Self::new(status, &headers) }
    }

    fn new(status: &str, headers: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
        Self { head: head.into(), body: Arc::default() }
    }

    fn without_body(self) -> Self {
        Self { body: Arc::default(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn the_path_is_found_in_every_form_of_a_target() {
        for (target, expected) in [
            ("/metrics", "/metrics"),
            ("/metrics?name=http://host/", "/metrics"),
            ("http://host:9100/metrics", "/metrics"),
            ("HTTPS://host/metrics?a=b", "/metrics"),
            ("http://host", "/"),
            ("http://host?a=/metrics", ""),
            ("ftp://host/metrics", "ftp://host/metrics"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(path(target), expected, "{target}");
        }
    }
}
