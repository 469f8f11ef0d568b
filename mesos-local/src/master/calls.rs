//! Who may call what: the checks before a call takes effect, in the order of a real master.

use std::time::Duration;

use mesos_proto::v1::scheduler::{Call, call};

use super::{Master, output::Answer, streams::check_roles, validate};

impl Master {
    /// Takes a call that arrived over HTTP, with the value of its header `Mesos-Stream-Id`.
    ///
    /// 202 says that the call was understood and took effect as far as it could; what came of it
    /// arrives as events, or not at all.
    pub fn handle_call(&mut self, now: Duration, call: Call, stream_id: Option<&str>) -> Answer {
        self.handle_call_of(now, None, call, stream_id)
    }

    /// The same for a caller who has proved to be `principal`, if this master wants such a proof.
    pub fn handle_call_of(
        &mut self,
        now: Duration,
        principal: Option<&str>,
        call: Call,
        stream_id: Option<&str>,
    ) -> Answer {
        if let Err(text) = validate::validate_call(&call, principal) {
            return Answer::bad_request(text);
        }
        if call.r#type() == call::Type::Subscribe {
            if stream_id.is_some() {
                return Answer::bad_request(
                    "Subscribe calls should not include the 'Mesos-Stream-Id' header",
                );
            }
            return match call.subscribe {
                Some(mut subscribe) => {
                    let named = &mut subscribe.framework_info.principal;
                    *named = named.take().or(principal.map(str::to_owned));
                    self.subscribe(now, subscribe)
                }
                None => Answer::bad_request("SUBSCRIBE without its message"),
            };
        }
        let framework = call.framework_id.as_ref().map_or("", |id| id.value.as_str()).to_owned();
        match self.check_stream(&framework, principal, stream_id) {
            Ok(()) => self.dispatch(now, &framework, call),
            Err(answer) => answer,
        }
    }

    fn check_stream(&self, id: &str, principal: Option<&str>, stream_id: Option<&str>) -> Result<(), Answer> {
        let Some(framework) = self.frameworks.get(id) else {
            return Err(Answer::bad_request("Framework cannot be found"));
        };
        validate::framework_info::authenticated(&framework.info, principal).map_err(Answer::bad_request)?;
        let Some(connection) = &framework.connection else {
            return Err(Answer::forbidden("Framework is not subscribed"));
        };
        match stream_id {
            None => Err(Answer::bad_request(
                "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
            )),
            Some(given) if given != connection.stream_id => Err(Answer::bad_request(format!(
                "The stream ID '{given}' included in this request didn't match the stream ID currently \
                 associated with framework ID {id}"
            ))),
            Some(_) => Ok(()),
        }
    }

    fn dispatch(&mut self, now: Duration, framework: &str, call: Call) -> Answer {
        match call.r#type() {
            call::Type::Teardown => return self.teardown(now, framework),
            call::Type::UpdateFramework => {
                return self.update_framework(framework, call.update_framework.unwrap_or_default());
            }
            call::Type::Accept => self.accept(now, framework, call.accept.unwrap_or_default()),
            call::Type::Decline => self.decline(now, &call.decline.unwrap_or_default()),
            call::Type::Revive => self.revive(now, framework, call.revive.unwrap_or_default().roles),
            call::Type::Suppress => self.suppress(framework, call.suppress.unwrap_or_default().roles),
            call::Type::Kill => self.kill(now, framework, call.kill.unwrap_or_default()),
            call::Type::Acknowledge => {
                self.acknowledge(now, framework, &call.acknowledge.unwrap_or_default());
            }
            call::Type::Reconcile => self.reconcile(now, framework, &call.reconcile.unwrap_or_default()),
            call::Type::Message => self.message(framework, call.message.unwrap_or_default()),
            call::Type::Shutdown => self.shutdown_executor(framework, call.shutdown.unwrap_or_default()),
            // There are no operations and no inverse offers here; a real master drops such calls as silently when
            // their object is unknown.
            // SUBSCRIBE was answered before.
            call::Type::ReconcileOperations => {
                self.reconcile_operations(framework, call.reconcile_operations.unwrap_or_default());
            }
            call::Type::AcceptInverseOffers
            | call::Type::DeclineInverseOffers
            | call::Type::AcknowledgeOperationStatus
            | call::Type::Request
            | call::Type::Subscribe => {}
            // A real master dies of this call, which is of no use to anyone.
            call::Type::Unknown => {
                return Answer::Status {
                    status: 501,
                    text: "A call of type UNKNOWN cannot be handled".into(),
                };
            }
        }
        Answer::accepted()
    }

    fn update_framework(&mut self, id: &str, update: call::UpdateFramework) -> Answer {
        let call::UpdateFramework { framework_info: info, suppressed_roles, offer_constraints } = update;
        if let Err(text) = validate::framework_info::validate(&info) {
            return Answer::bad_request(format!("Supplied FrameworkInfo is not valid: {text}"));
        }
        let Some(framework) = self.frameworks.get(id) else {
            return Answer::bad_request("Framework cannot be found");
        };
        if let Err(text) = validate::framework_info::may_become(&framework.info, &info) {
            return Answer::bad_request(format!("FrameworkInfo update is not valid: {text}"));
        }
        let constraints = match check_roles(&info, &suppressed_roles, offer_constraints.as_ref()) {
            Ok(constraints) => constraints,
            Err(text) => {
                return Answer::bad_request(format!("'UpdateFramework' call is not valid: {text}"));
            }
        };
        self.apply_info(id, info, suppressed_roles, constraints);
        // The offers of what changed come with the next batch.
        self.rescind_offers_of_lost_roles(id);
        Answer::Status { status: 200, text: String::new() }
    }
}
