//! Who may call what: the checks before a call takes effect, in the order of a real master.

use std::time::Duration;

use mesos_proto::v1::{
    self,
    allocator::inverse_offer_status::Status,
    master,
    scheduler::{Call, call},
};

use super::{Master, output::Answer, validate};

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
            call::Type::ReconcileOperations => {
                self.reconcile_operations(framework, call.reconcile_operations.unwrap_or_default());
            }
            call::Type::AcknowledgeOperationStatus => {
                self.acknowledge_operation(framework, &call.acknowledge_operation_status.unwrap_or_default());
            }
            call::Type::AcceptInverseOffers => {
                let call::AcceptInverseOffers { inverse_offer_ids: ids, filters } =
                    call.accept_inverse_offers.unwrap_or_default();
                self.answer_inverse_offers(now, framework, &ids, filters.as_ref(), Status::Accept);
            }
            call::Type::DeclineInverseOffers => {
                let call::DeclineInverseOffers { inverse_offer_ids: ids, filters } =
                    call.decline_inverse_offers.unwrap_or_default();
                self.answer_inverse_offers(now, framework, &ids, filters.as_ref(), Status::Decline);
            }
            call::Type::Message => self.message(framework, call.message.unwrap_or_default()),
            call::Type::Shutdown => self.shutdown_executor(framework, call.shutdown.unwrap_or_default()),
            // A real master takes note of a REQUEST and does nothing. SUBSCRIBE was answered before.
            call::Type::Request | call::Type::Subscribe => {}
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
        if let Err(text) = validate::framework_info::validate(&info, &self.config.options) {
            return Answer::bad_request(format!("Supplied FrameworkInfo is not valid: {text}"));
        }
        let Some(framework) = self.frameworks.get(id) else {
            return Answer::bad_request("Framework cannot be found");
        };
        if let Err(text) = validate::framework_info::may_become(&framework.info, &info) {
            return Answer::bad_request(format!("FrameworkInfo update is not valid: {text}"));
        }
        let constraints = match self.check_roles(&info, &suppressed_roles, offer_constraints.as_ref()) {
            Ok(constraints) => constraints,
            Err(text) => {
                return Answer::bad_request(format!("'UpdateFramework' call is not valid: {text}"));
            }
        };
        self.apply_info(id, info, suppressed_roles, constraints);
        // The offers of what changed come with the next batch.
        self.rescind_offers_of_lost_roles(id);
        Answer::done()
    }

    /// Takes a call of an operator that changes something; `None` if it is none of those that this master
    /// knows. 200 with an empty text says that it is done.
    pub fn handle_operator_call(&mut self, now: Duration, call: &master::Call) -> Option<Answer> {
        use master::call::Type;
        let missing = || Answer::bad_request("The message of the call is missing");
        let answer = match call.r#type() {
            Type::MarkAgentGone => {
                call.mark_agent_gone.as_ref().map(|call| self.mark_agent_gone(now, &call.agent_id))
            }
            Type::DrainAgent => call.drain_agent.as_ref().map(|call| {
                let longest = call.max_grace_period.map(|time| v1::DurationInfo {
                    nanoseconds: time.seconds.saturating_mul(1_000_000_000).saturating_add(time.nanos.into()),
                });
                let config = v1::DrainConfig { max_grace_period: longest, mark_gone: Some(call.mark_gone()) };
                self.drain_agent(now, &call.agent_id, config)
            }),
            Type::DeactivateAgent => {
                call.deactivate_agent.as_ref().map(|call| self.deactivate_agent(&call.agent_id))
            }
            Type::ReactivateAgent => {
                call.reactivate_agent.as_ref().map(|call| self.reactivate_agent(now, &call.agent_id))
            }
            Type::UpdateMaintenanceSchedule => call
                .update_maintenance_schedule
                .as_ref()
                .map(|call| self.update_schedule(now, call.schedule.clone())),
            Type::StartMaintenance => {
                call.start_maintenance.as_ref().map(|call| self.start_maintenance(now, call.machines.clone()))
            }
            Type::StopMaintenance => {
                call.stop_maintenance.as_ref().map(|call| self.stop_maintenance(&call.machines))
            }
            Type::Teardown => call.teardown.as_ref().map(|call| {
                match self.frameworks.contains_key(&call.framework_id.value) {
                    true => {
                        let _accepted = self.teardown(now, &call.framework_id.value);
                        Answer::done()
                    }
                    false => Answer::bad_request("No framework found with specified ID"),
                }
            }),
            _ => return None,
        };
        Some(answer.unwrap_or_else(missing))
    }
}
