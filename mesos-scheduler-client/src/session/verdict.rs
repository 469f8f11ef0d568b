//! What the answers of a master mean: pure tables, each row with its source in the behaviour of Mesos.

use http::StatusCode;

/// Text of an ERROR event: another instance subscribed with the same id.
const FAILED_OVER: &str = "Framework failed over";

/// Texts of an ERROR event: the id is void. The last two are from masters before 2015-07.
const REMOVED: [&str; 3] = [
    "Framework has been removed",
    "Completed framework attempted to re-register",
    "Completed framework attempted to re-subscribe",
];

/// Beginning of an ERROR event: the authorizer did not answer, which says nothing about the framework.
const AUTHORIZER_FAILED: &str = "Authorization failure:";

/// What the status of an answer to SUBSCRIBE means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscribeVerdict {
    /// The stream follows.
    Stream,
    /// Another master leads, named in `Location`.
    Redirect,
    /// May heal: try again, elsewhere first.
    Retry,
    /// Other credentials are needed.
    Unauthorized,
    /// The same request will be refused again.
    Hopeless,
}

/// | status | meaning | verdict |
/// |---|---|---|
/// | 200 | the stream follows; only its first record tells success | Stream |
/// | 307, 308 | not the leader | Redirect |
/// | 401 | credentials missing or wrong | Unauthorized |
/// | 404 | a master right after its start, before it has routes | Retry |
/// | 408, 425, 429 | what proxies say under load | Retry |
/// | other 4xx | the request as such: malformed, refused, endpoint disabled | Hopeless |
/// | 503, other 5xx | no leader elected, recovery not finished, a proxy without a master | Retry |
/// | anything else | no answer of a master | Retry |
pub(super) fn of_subscribe(status: StatusCode) -> SubscribeVerdict {
    match status.as_u16() {
        200 => SubscribeVerdict::Stream,
        307 | 308 => SubscribeVerdict::Redirect,
        401 => SubscribeVerdict::Unauthorized,
        404 | 408 | 425 | 429 => SubscribeVerdict::Retry,
        400..500 => SubscribeVerdict::Hopeless,
        _ => SubscribeVerdict::Retry,
    }
}

/// What the answer to a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallVerdict {
    /// The master took it.
    Accepted,
    /// This call was refused.
    Refused,
    /// This call was refused because the subscription is not valid any more.
    SubscriptionLost,
    /// Other credentials are needed.
    Unauthorized,
}

/// | status | text | meaning | verdict |
/// |---|---|---|---|
/// | 2xx | | taken; 200 for UPDATE_FRAMEWORK, and RECONCILE_OPERATIONS before 1.8 | Accepted |
/// | 401 | | the credentials are not valid (any more); the call had no effect | Unauthorized |
/// | 3xx, 404, 503 | | this master does not lead any more, or has just started | SubscriptionLost |
/// | 400 | `Framework cannot be found` | the master lost or removed the framework | SubscriptionLost |
/// | 400 | `... 'Mesos-Stream-Id' header`, `The stream ID ...` | another stream has taken over | SubscriptionLost |
/// | 403 | `Framework is not subscribed`, `Framework is not connected via HTTP` | the stream is gone | SubscriptionLost |
/// | anything else | | about this call alone | Refused |
pub(super) fn of_call(status: StatusCode, text: &str) -> CallVerdict {
    let text = text.trim();
    match status.as_u16() {
        200..300 => CallVerdict::Accepted,
        401 => CallVerdict::Unauthorized,
        300..400 | 404 | 503 => CallVerdict::SubscriptionLost,
        400 if text.starts_with("Framework cannot be found")
            || text.starts_with("All non-subscribe calls should include the 'Mesos-Stream-Id' header")
            || text.starts_with("The stream ID ") =>
        {
            CallVerdict::SubscriptionLost
        }
        403 if text.starts_with("Framework is not subscribed")
            || text.starts_with("Framework is not connected via HTTP") =>
        {
            CallVerdict::SubscriptionLost
        }
        _ => CallVerdict::Refused,
    }
}

/// Whether TEARDOWN was refused because there is nothing to tear down.
pub(super) fn is_unknown_framework(status: StatusCode, text: &str) -> bool {
    status == StatusCode::BAD_REQUEST && text.trim().starts_with("Framework cannot be found")
}

/// What an ERROR event means. It ends the stream in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorVerdict {
    /// Another instance has the framework now.
    FailedOver,
    /// The id is void.
    Removed,
    /// The master refuses the framework as it describes itself.
    Refused,
    /// May heal: subscribe again.
    Retry,
}

/// | text | before SUBSCRIBED | after SUBSCRIBED |
/// |---|---|---|
/// | `Framework failed over` | FailedOver | FailedOver |
/// | `Framework has been removed` and the two older texts | Removed | Removed |
/// | `Authorization failure: ...` | Retry | Retry |
/// | anything else: roles, id, user, timeout, principal, constraints, not authorized | Refused | Retry |
///
/// Before SUBSCRIBED the master has just checked what the framework says of itself, and will check the same
/// again. After SUBSCRIBED it had accepted that; if it has changed its mind, the next attempt tells.
pub(super) fn of_error(message: &str, is_subscribed: bool) -> ErrorVerdict {
    let message = message.trim();
    if message.starts_with(FAILED_OVER) {
        ErrorVerdict::FailedOver
    } else if REMOVED.iter().any(|text| message.starts_with(text)) {
        ErrorVerdict::Removed
    } else if is_subscribed || message.starts_with(AUTHORIZER_FAILED) {
        ErrorVerdict::Retry
    } else {
        ErrorVerdict::Refused
    }
}

/// A text of a peer, fit to stand in a message: one line, not longer than a few.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 500;
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.trim().chars().take(LONGEST + 1).map(visible).collect();
    if line.chars().count() > LONGEST {
        line.pop();
        line.push('…');
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> StatusCode {
        StatusCode::from_u16(code).unwrap()
    }

    #[test]
    fn answers_to_subscribe() {
        use SubscribeVerdict::*;
        for (code, verdict) in [
            (200, Stream),
            (202, Retry),
            (302, Retry),
            (307, Redirect),
            (308, Redirect),
            (400, Hopeless),
            (401, Unauthorized),
            (403, Hopeless),
            (404, Retry),
            (405, Hopeless),
            (406, Hopeless),
            (415, Hopeless),
            (429, Retry),
            (500, Retry),
            (502, Retry),
            (503, Retry),
            (999, Retry),
        ] {
            assert_eq!(of_subscribe(status(code)), verdict, "{code}");
        }
    }

    #[test]
    fn answers_to_calls() {
        use CallVerdict::*;
        for (code, text, verdict) in [
            (202, "", Accepted),
            (200, "", Accepted),
            (307, "", SubscriptionLost),
            (503, "No leader elected", SubscriptionLost),
            (404, "404 Not Found.", SubscriptionLost),
            (400, "Framework cannot be found", SubscriptionLost),
            (400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header", SubscriptionLost),
            (
                400,
                "The stream ID 'x' included in this request didn't match the stream ID currently associated",
                SubscriptionLost,
            ),
            (400, "Failed to validate scheduler::Call: Not a valid UUID", Refused),
            (400, "Authenticated principal 'bob' does not match principal 'alice'", Refused),
            (403, "Framework is not subscribed", SubscriptionLost),
            (403, "Framework is not connected via HTTP", SubscriptionLost),
            (403, "Not authorized to use role", Refused),
            (401, "401 Unauthorized.", Unauthorized),
            (415, "", Refused),
            (500, "failed to decode body", Refused),
        ] {
            assert_eq!(of_call(status(code), text), verdict, "{code} {text}");
        }
    }

    #[test]
    fn errors_of_the_stream() {
        use ErrorVerdict::*;
        for (text, before, after) in [
            ("Framework failed over", FailedOver, FailedOver),
            ("Framework has been removed", Removed, Removed),
            ("Completed framework attempted to re-register", Removed, Removed),
            ("Completed framework attempted to re-subscribe", Removed, Removed),
            ("Authorization failure: timed out", Retry, Retry),
            ("Not authorized to use role 'web'", Refused, Retry),
            ("Roles { other } are not present in the master's --roles", Refused, Retry),
            ("'a/b' contains invalid characters", Refused, Retry),
            ("Changing framework's principal is not allowed.", Refused, Retry),
            ("", Refused, Retry),
        ] {
            assert_eq!((of_error(text, false), of_error(text, true)), (before, after), "{text}");
        }
    }

    #[test]
    fn a_text_of_a_peer_is_one_bounded_line() {
        assert_eq!(excerpt(" a\nb\u{1b} "), "a b");
        assert_eq!(excerpt(&"ä".repeat(600)), format!("{}…", "ä".repeat(500)));
        assert_eq!(excerpt(&"ä".repeat(500)), "ä".repeat(500));
    }
}
