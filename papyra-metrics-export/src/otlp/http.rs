//! Sends messages over HTTP, as <https://opentelemetry.io/docs/specs/otlp/#otlphttp> specifies.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::Otlp;
use crate::registry::ProblemReport;
use crate::{Export, Problem, Progress};

/// The time limit for a request and its response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// If the collector has requested a pause and more than this time of the pause remains, exports fail. If less remains,
/// exports return [`Progress::More`], so that the caller tries again and the values are sent right after the pause.
const MAX_PAUSE: Duration = Duration::from_secs(4);

/// The maximum pause, more than a century. A longer pause is shortened to it, because adding the longer pause to the
/// current time could overflow.
const LONGEST_PAUSE: Duration = Duration::from_secs(u32::MAX as u64);

/// The maximum length of a response body; a longer one is ignored.
const MAX_ANSWER_LEN: u64 = 64 * 1024;

/// Sends the metrics of a registry to an OpenTelemetry collector over HTTP, at each [`export`](Export::export).
///
/// Created by [`Otlp::into_http`] and usually called by [`Periodic`](crate::Periodic). An export blocks for up to ten
/// seconds while it waits for the collector, so run it in a thread, not in an asynchronous task.
///
/// Values are cumulative, so a failed export need not be repeated: the next one includes its values. If the collector
/// answers 429, 502, 503 or 504 and asks for a pause (`Retry-After`), no request is sent before the pause is over. If
/// the collector rejects some data points, [`Registry::problems`](crate::Registry::problems) reports their number and
/// the reason until the next successful export. It also reports a warning of the collector.
///
/// URLs with `https` need the feature `rustls` or `native-tls` of `ureq` 3, which the application enables.
pub struct OtlpHttp {
    otlp: Otlp,
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
    /// The time before which no request may be sent, because the collector requested a pause.
    paused_until: Option<Instant>,
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
        let invalid = |reason: &str| {
            let message = format!("`{url}` is not the URL of a collector; {reason}");
            io::Error::new(ErrorKind::InvalidInput, message)
        };
        let uri: Uri = url.parse().map_err(|error| invalid(&format!("{error}")))?;
        if uri.scheme().is_none() || uri.host().is_none_or(str::is_empty) {
            return Err(invalid("use one such as `http://127.0.0.1:4318/v1/metrics`"));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .user_agent(concat!("papyra-metrics/", env!("CARGO_PKG_VERSION")));
        Ok(Self {
            report: otlp.registry.report(),
            otlp,
            agent: config.build().into(),
            url: url.to_owned(),
            headers: Vec::new(),
            paused_until: None,
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
        io::Error::new(kind, format!("cannot export to {}: {reason}", self.url))
    }

    /// Reports the data points that the collector rejected, or its warning if it rejected none:
    /// <https://opentelemetry.io/docs/specs/otlp/#partial-success>.
    fn report_partial_success(&self, body: &[u8]) {
        let answer = ExportMetricsServiceResponse::decode(body).unwrap_or_default();
        let partial = answer.partial_success.unwrap_or_default();
        let rejected = match partial.rejected_data_points {
            ..=0 => None,
            1 => Some("rejected 1 data point".to_owned()),
            n => Some(format!("rejected {n} data points")),
        };
        let problem = match (rejected, &*partial.error_message) {
            (None, "") => None,
            (None, warning) => Some(format!("warns: {warning}")),
            (Some(rejected), "") => Some(format!("{rejected} and gives no reason")),
            (Some(rejected), reason) => Some(format!("{rejected}: {reason}")),
        };
        let problem = problem.map(|problem| format!("the collector at {} {problem}", self.url));
        let problem = problem.map(|message| Problem::new(String::new(), message));
        self.report.set(problem.into_iter().collect());
    }
}

impl Export for OtlpHttp {
    /// Sends all metrics in one request. During a pause that the collector has requested, nothing is sent. Returns
    /// [`Progress::More`] if the pause ends within four seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the collector cannot be reached, does not answer in time, refuses the request, or has
    /// requested a pause that still lasts more than four seconds.
    fn export(&mut self) -> io::Result<Progress> {
        if let Some(pause) = self.paused_until.map(|until| until.duration_since(Instant::now())) {
            if pause > MAX_PAUSE {
                let reason = format!("the collector accepts requests again in {pause:.0?}");
                return Err(self.error(ErrorKind::WouldBlock, &reason));
            }
            if !pause.is_zero() {
                return Ok(Progress::More);
            }
            self.paused_until = None;
        }
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
        let body = body.unwrap_or_default();
        if status.is_success() {
            self.report_partial_success(&body);
            return Ok(Progress::Done);
        }
        let reason = Status::decode(&*body).map(|status| status.message).unwrap_or_default();
        let error = self.error(ErrorKind::Other, format!("{status} {reason}").trim_end());
        let is_retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        match retry_after(answer.headers()) {
            Some(pause) if is_retryable => {
                self.paused_until = Instant::now().checked_add(pause.min(LONGEST_PAUSE));
                if pause <= MAX_PAUSE { Ok(Progress::More) } else { Err(error) }
            }
            _ => Err(error),
        }
    }
}

/// Returns the pause that the collector requests in the header `Retry-After`, which is a number of seconds or a date:
/// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

impl fmt::Debug for OtlpHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpHttp")
            .field("otlp", &self.otlp)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
