//! Sends OTLP messages over HTTP, as <https://opentelemetry.io/docs/specs/otlp/#otlphttp> specifies.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use ureq::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::Otlp;
use crate::registry::ProblemReport;
use crate::{Export, Problem, Progress};

/// The time limit for a request and its response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The time for which an export waits for pauses that the collector requests. If all of them end within this time,
/// exports return [`Progress::More`], so that the caller tries again and the values are sent right after a pause.
/// Otherwise, they fail.
const MAX_WAIT: Duration = Duration::from_secs(4);

/// The shortest and the longest pause. A collector that asks for no pause would otherwise get a hundred requests in a
/// second, and a date in the distant future, for example because a clock was wrong, would end the export for good.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3600)];

/// The maximum length of a response body. The protocol sets no limit.
const MAX_ANSWER_LEN: u64 = 64 * 1024;

/// Sends the metrics of a registry to an OpenTelemetry collector over HTTP, at each [`export`](Export::export).
///
/// Created by [`Otlp::into_http`] and usually called by [`Periodic`](crate::Periodic). An export blocks for up to ten
/// seconds while it waits for the collector, so run it in a thread, not in an asynchronous task.
///
/// Values are cumulative, so a failed export need not be repeated: the next one includes its values. If the collector
/// answers 429, 502, 503 or 504 and asks for a pause (`Retry-After`), no request is sent before the pause is over. A
/// pause lasts at least one second and at most an hour. If the collector rejects some data points,
/// [`Registry::problems`](crate::Registry::problems) reports their number and the reason until the next successful
/// export. It also reports a warning of the collector, and a response that is not part of the protocol, such as the
/// page of a web server.
///
/// Redirects are not followed, because most of them would turn the request into one without metrics.
///
/// URLs with `https` need the feature `rustls` or `native-tls` of `ureq` 3. The application must enable this feature.
pub struct OtlpHttp {
    otlp: Otlp,
    agent: Agent,
    url: String,
    /// The URL without a user name and a password, for messages.
    shown_url: String,
    headers: Vec<(String, String)>,
    /// The time before which no request may be sent, because the collector requested a pause.
    paused_until: Option<Instant>,
    /// The time until which the current export waits for pauses. `None` if no export waits.
    waits_until: Option<Instant>,
    report: ProblemReport,
}

/// The body of an error response: the message `google.rpc.Status`.
#[derive(Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

impl OtlpHttp {
    pub(super) fn new(otlp: Otlp, url: &str) -> io::Result<Self> {
        let shown_url = without_credentials(url);
        let invalid = |reason: &str| {
            let message = format!("`{shown_url}` is not the URL of a collector; {reason}");
            io::Error::new(ErrorKind::InvalidInput, message)
        };
        let uri: Uri = url.parse().map_err(|error| invalid(&format!("{error}")))?;
        if uri.scheme().is_none() || uri.host().is_none_or(str::is_empty) {
            return Err(invalid("use one such as `http://127.0.0.1:4318/v1/metrics`"));
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid("use `http` or `https`"));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            // A collector may close a connection that is not in use at any time, also while the next request is sent.
            .max_idle_connections(0)
            .user_agent(concat!("papyra-metrics/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            report: otlp.registry.report(),
            otlp,
            agent: config.build().into(),
            url: url.to_owned(),
            shown_url,
            headers: Vec::new(),
            paused_until: None,
            waits_until: None,
        })
    }

    /// Adds a header to each request, such as `authorization`.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn post(&self, message: &[u8]) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.post(&self.url).content_type("application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send(message)
    }

    fn error(&self, kind: ErrorKind, reason: &str) -> io::Error {
        io::Error::new(kind, format!("cannot export to {}: {reason}", self.shown_url))
    }

    /// Returns [`Progress::More`] if the pause ends soon enough for the current export to wait for it. Otherwise, the
    /// export fails with this error.
    fn wait(&mut self, pause_end: Instant, error: io::Error) -> io::Result<Progress> {
        let limit = *self.waits_until.get_or_insert_with(|| Instant::now() + MAX_WAIT);
        if pause_end <= limit {
            return Ok(Progress::More);
        }
        self.waits_until = None;
        Err(error)
    }

    /// Reports a problem with the response to an accepted request.
    fn report_answer(&self, body: Result<Vec<u8>, ureq::Error>) {
        let problem = match body.map(|body| ExportMetricsServiceResponse::decode(&*body)) {
            Ok(Ok(answer)) => partial_success(answer),
            Ok(Err(_)) => Some(
                "answers with something other than an OTLP message; check whether the URL is that of a collector"
                    .to_owned(),
            ),
            Err(error) => Some(format!("has accepted a request, but its response is lost: {error}")),
        };
        let problem =
            problem.map(|problem| format!("the collector at {} {problem}", self.shown_url));
        let problem = problem.map(|message| Problem::new(String::new(), message));
        self.report.set(problem.into_iter().collect());
    }
}

/// Describes the data points that the collector rejected, or its warning if it rejected none:
/// <https://opentelemetry.io/docs/specs/otlp/#partial-success>.
fn partial_success(answer: ExportMetricsServiceResponse) -> Option<String> {
    let partial = answer.partial_success.unwrap_or_default();
    let rejected = match partial.rejected_data_points {
        ..=0 => None,
        1 => Some("rejected 1 data point".to_owned()),
        n => Some(format!("rejected {n} data points")),
    };
    match (rejected, &*partial.error_message) {
        (None, "") => None,
        (None, warning) => Some(format!("warns: {warning}")),
        (Some(rejected), "") => Some(format!("{rejected} and gives no reason")),
        (Some(rejected), reason) => Some(format!("{rejected}: {reason}")),
    }
}

impl Export for OtlpHttp {
    /// Sends all metrics in one request. During a pause that the collector has requested, nothing is sent. Returns
    /// [`Progress::More`] if the pause ends within four seconds. If the collector requests several pauses in succession,
    /// all of them have to end within this time.
    ///
    /// # Errors
    ///
    /// Returns an error if the collector cannot be reached, does not answer in time, refuses or redirects the request,
    /// or requests pauses of more than four seconds.
    fn export(&mut self) -> io::Result<Progress> {
        if let Some(end) = self.paused_until {
            let pause = end.saturating_duration_since(Instant::now());
            if !pause.is_zero() {
                let reason = format!("the collector accepts requests again in {pause:.0?}");
                return self.wait(end, self.error(ErrorKind::WouldBlock, &reason));
            }
            self.paused_until = None;
        }
        // Restored below if the response requests another pause. Any other result ends the wait.
        let waits_until = self.waits_until.take();
        let message = self.otlp.encode();
        if message.is_empty() {
            return Ok(Progress::Done);
        }
        let mut answer = self.post(&message).map_err(|error| match error {
            ureq::Error::Io(error) => self.error(error.kind(), &error.to_string()),
            ureq::Error::Timeout(_) => self.error(ErrorKind::TimedOut, &error.to_string()),
            _ => self.error(ErrorKind::Other, &error.to_string()),
        })?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_LEN).read_to_vec();
        if status.is_success() {
            self.report_answer(body);
            return Ok(Progress::Done);
        }
        if status.is_redirection() {
            let location = answer.headers().get("location").map(HeaderValue::as_bytes);
            let location = String::from_utf8_lossy(location.unwrap_or_default());
            let reason = format!("{status}; use the URL to which it redirects, `{location}`");
            return Err(self.error(ErrorKind::Other, &reason));
        }
        let reason = Status::decode(&*body.unwrap_or_default()).map(|status| status.message);
        let reason = format!("{status} {}", reason.unwrap_or_default());
        let error = self.error(ErrorKind::Other, reason.trim_end());
        let is_retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        match retry_after(answer.headers()) {
            Some(pause) if is_retryable => {
                let [shortest, longest] = PAUSES;
                let end = Instant::now() + pause.clamp(shortest, longest);
                (self.paused_until, self.waits_until) = (Some(end), waits_until);
                self.wait(end, error)
            }
            _ => Err(error),
        }
    }
}

/// Returns the URL without the user name and the password, which must not appear in messages. They end at the last `@`
/// even if a character before it ends the authority of a valid URL: the mistake may be a `/` in the password.
fn without_credentials(url: &str) -> String {
    let Some((before, rest)) = url.rsplit_once('@') else { return url.to_owned() };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_scheme = |char: char| char.is_ascii_alphanumeric() || "+-.".contains(char);
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return rest.to_owned();
    }
    format!("{scheme}://{rest}")
}

/// Returns the pause that the collector requests in the header `Retry-After`, which is a number of seconds or a date:
/// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>. A date is compared with the collector's own clock, if the
/// response contains its time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |name| value(name).and_then(|value| httpdate::parse_http_date(value).ok());
    if let Ok(seconds) = value("retry-after")?.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = date("date").unwrap_or_else(SystemTime::now);
    Some(date("retry-after")?.duration_since(now).unwrap_or_default())
}

impl fmt::Debug for OtlpHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpHttp")
            .field("otlp", &self.otlp)
            .field("url", &self.shown_url)
            .finish_non_exhaustive()
    }
}
