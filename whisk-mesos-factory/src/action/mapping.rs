//! Answers of a container as results of activations.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ActivationResponse, ActivationStatus, Answer, exchange::MAX_ANSWER_BYTES};

/// What `/init` gives: nothing if all is well, otherwise the response of the activation. Time over is
/// judged by the clock, whatever the answer was.
pub(crate) fn init_response(
    answer: &Answer,
    duration: Duration,
    timeout: Duration,
) -> Option<ActivationResponse> {
    let error = |error: Value| {
        Some(ActivationResponse {
            status: ActivationStatus::ActionDeveloperError,
            result: json!({ "error": error }),
            duration,
        })
    };
    if let Answer::Response { status: 200, cut_from: None, .. } = answer {
        return None;
    }
    if duration >= timeout || *answer == Answer::TimedOut {
        return error(json!(format!("{} during initialization.", time_limit_exceeded(timeout))));
    }
    match answer {
        Answer::Response { body, cut_from: Some(length), .. } => error(json!(too_long(*length, body))),
        Answer::Response { body, .. } => match error_field(body) {
            Some(value) => error(value),
            None => error(json!(with_body("The action failed during initialization", body))),
        },
        Answer::NoResponse | Answer::NotConnected(_) | Answer::ConnectionLost(_) | Answer::TimedOut => {
            error(json!("The action did not initialize and exited unexpectedly."))
        }
    }
}

/// What `/run` gives.
pub(crate) fn run_response(answer: &Answer, duration: Duration, timeout: Duration) -> ActivationResponse {
    let (status, result) = if duration >= timeout || *answer == Answer::TimedOut {
        developer_error(format!("{}.", time_limit_exceeded(timeout)))
    } else {
        match answer {
            Answer::Response { body, cut_from: Some(length), .. } => {
                let error = json!({ "error": too_long(*length, body) });
                (ActivationStatus::ApplicationError, error)
            }
            Answer::Response { status: 200, body, .. } => run_ok(body),
            Answer::Response { body, .. } => match error_field(body) {
                Some(error) => (ActivationStatus::ActionDeveloperError, json!({ "error": error })),
                None => developer_error(with_body(NO_VALID_JSON, body)),
            },
            Answer::NoResponse | Answer::NotConnected(_) | Answer::ConnectionLost(_) | Answer::TimedOut => {
                developer_error(
                    "The action did not produce a valid response and exited unexpectedly.".to_owned(),
                )
            }
        }
    };
    ActivationResponse { status, result, duration }
}

const NO_VALID_JSON: &str = "The action did not produce a valid JSON response";

fn run_ok(body: &str) -> (ActivationStatus, Value) {
    match serde_json::from_str(body) {
        Ok(Value::Object(mut object)) => match object.remove("error") {
            // Other fields beside the error are dropped.
            Some(error) => (ActivationStatus::ApplicationError, json!({ "error": error })),
            None => (ActivationStatus::Success, Value::Object(object)),
        },
        Ok(Value::Array(array)) => (ActivationStatus::Success, Value::Array(array)),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
            developer_error(with_body(NO_VALID_JSON, body))
        }
    }
}

fn developer_error(error: String) -> (ActivationStatus, Value) {
    (ActivationStatus::ActionDeveloperError, json!({ "error": error }))
}

fn error_field(body: &str) -> Option<Value> {
    let Ok(Value::Object(mut object)) = serde_json::from_str(body) else { return None };
    object.remove("error")
}

fn with_body(message: &str, body: &str) -> String {
    if body.is_empty() { format!("{message}.") } else { format!("{message}: {body}") }
}

fn too_long(length: u64, body: &str) -> String {
    format!(
        "The action produced a response that exceeded the allowed length: {length} > {MAX_ANSWER_BYTES} \
         bytes. The truncated response was: {body}"
    )
}

fn time_limit_exceeded(timeout: Duration) -> String {
    format!("The action exceeded its time limits of {} milliseconds", timeout.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(1500);

    fn answer(status: u16, body: &str) -> Answer {
        Answer::Response { status, body: body.to_owned(), cut_from: None }
    }

    #[test]
    fn every_answer_to_init_has_its_result() {
        let cut = Answer::Response { status: 200, body: "xy".into(), cut_from: Some(2_000_000) };
        for (answer, millis, expected) in [
            (answer(200, "OK"), 10, None),
            (answer(502, r#"{"error": ["any", "json"]}"#), 10, Some(json!(["any", "json"]))),
            (answer(403, "no"), 10, Some(json!("The action failed during initialization: no"))),
            (answer(500, ""), 10, Some(json!("The action failed during initialization."))),
            (
                cut,
                10,
                Some(json!(
                    "The action produced a response that exceeded the allowed length: 2000000 > 1048576 \
                     bytes. The truncated response was: xy"
                )),
            ),
            (
                Answer::ConnectionLost("reset".into()),
                10,
                Some(json!("The action did not initialize and exited unexpectedly.")),
            ),
            (Answer::NoResponse, 10, Some(json!("The action did not initialize and exited unexpectedly."))),
            (
                Answer::NotConnected("refused".into()),
                1500,
                Some(json!(
                    "The action exceeded its time limits of 1500 milliseconds during initialization."
                )),
            ),
            (
                Answer::TimedOut,
                1400,
                Some(json!(
                    "The action exceeded its time limits of 1500 milliseconds during initialization."
                )),
            ),
        ] {
            let response = init_response(&answer, Duration::from_millis(millis), TIMEOUT);
            let error = response.as_ref().map(|response| response.result["error"].clone());
            assert_eq!(error, expected, "{answer:?}");
            assert!(
                response.is_none_or(|response| response.status == ActivationStatus::ActionDeveloperError)
            );
        }
    }

    #[test]
    fn every_answer_to_run_has_its_status_and_result() {
        use ActivationStatus::{ActionDeveloperError, ApplicationError, Success};
        let gone = "The action did not produce a valid response and exited unexpectedly.";
        for (answer, millis, status, result) in [
            (answer(200, r#"{"b": 1, "a": 2}"#), 10, Success, json!({"b": 1, "a": 2})),
            (answer(200, r#"{"error": "e", "more": 1}"#), 10, ApplicationError, json!({"error": "e"})),
            (answer(200, "[1, 2]"), 10, Success, json!([1, 2])),
            (
                answer(200, "null"),
                10,
                ActionDeveloperError,
                json!({"error": "The action did not produce a valid JSON response: null"}),
            ),
            (
                answer(200, ""),
                10,
                ActionDeveloperError,
                json!({"error": "The action did not produce a valid JSON response."}),
            ),
            (answer(502, r#"{"error": "boom"}"#), 10, ActionDeveloperError, json!({"error": "boom"})),
            (
                answer(404, "[1]"),
                10,
                ActionDeveloperError,
                json!({"error": "The action did not produce a valid JSON response: [1]"}),
            ),
            (Answer::NoResponse, 10, ActionDeveloperError, json!({ "error": gone })),
            (Answer::ConnectionLost("x".into()), 10, ActionDeveloperError, json!({ "error": gone })),
            (Answer::NotConnected("x".into()), 10, ActionDeveloperError, json!({ "error": gone })),
            (
                answer(200, "{}"),
                1500,
                ActionDeveloperError,
                json!({"error": "The action exceeded its time limits of 1500 milliseconds."}),
            ),
            (
                Answer::Response { status: 200, body: "xy".into(), cut_from: Some(1_048_577) },
                10,
                ApplicationError,
                json!({"error": "The action produced a response that exceeded the allowed length: 1048577 > \
                                 1048576 bytes. The truncated response was: xy"}),
            ),
        ] {
            let response = run_response(&answer, Duration::from_millis(millis), TIMEOUT);
            assert_eq!((response.status, &response.result), (status, &result), "{answer:?}");
        }
    }
}
