//! ACCEPT: operations over offers.

use std::time::Duration;

use mesos_proto::v1::{
    self, TaskState,
    offer::{self, operation},
    scheduler::call,
    task_status::Reason,
};

use super::{
    Master,
    amounts::allocated,
    offers::Offer,
    output::AgentAction,
    tasks::Task,
    validate::{resources, task},
};

impl Master {
    /// Uses offers for operations, in order; what is left over is declined with the filters given.
    pub(super) fn accept(&mut self, now: Duration, framework: &str, accept: call::Accept) {
        let mut pool = match self.take_offers(framework, &accept.offer_ids) {
            Ok(pool) => pool,
            Err(text) => {
                for operation in &accept.operations {
                    self.refuse_for_offers(now, framework, operation, &text);
                }
                return;
            }
        };
        for operation in accept.operations {
            match operation.r#type() {
                operation::Type::Launch => {
                    let has_id = operation.id.is_some();
                    let tasks = operation.launch.unwrap_or_default().task_infos;
                    self.launch(now, framework, &mut pool, tasks, has_id);
                }
                operation::Type::LaunchGroup => {
                    let has_id = operation.id.is_some();
                    let launch = operation.launch_group.unwrap_or_default();
                    self.launch_group(now, framework, &mut pool, *launch, has_id);
                }
                operation::Type::Unknown
                | operation::Type::Reserve
                | operation::Type::Unreserve
                | operation::Type::Create
                | operation::Type::Destroy
                | operation::Type::GrowVolume
                | operation::Type::ShrinkVolume
                | operation::Type::CreateDisk
                | operation::Type::DestroyDisk => {
                    if let Err(text) = self.apply_operation(framework, &mut pool, &operation) {
                        self.refuse_operation(framework, &operation, text);
                    }
                }
            }
        }
        self.resend_operations(now, framework);
        self.give_back(&pool);
        if !pool.amounts.is_empty() {
            self.refuse(now, &pool, accept.filters.as_ref());
        }
    }

    fn launch(
        &mut self,
        now: Duration,
        framework: &str,
        pool: &mut Offer,
        tasks: Vec<v1::TaskInfo>,
        has_id: bool,
    ) {
        // One malformed resource spoils every task of the operation.
        let spoiled = if has_id {
            Some("The `id` field cannot be set on LAUNCH operations".to_owned())
        } else {
            tasks.iter().find_map(|info| resources::validate(&info.resources).err())
        };
        for mut info in tasks {
            if let Some(text) = &spoiled {
                self.refuse_task(now, framework, &info, Reason::TaskInvalid, text);
                continue;
            }
            info.resources = allocated(info.resources, &pool.role);
            let Some(known) = self.frameworks.get(framework) else {
                return;
            };
            if let Some(executor) = &mut info.executor {
                executor.framework_id = Some(known.id());
            }
            match task::validate(&info, known, pool) {
                Ok(need) => {
                    pool.amounts.subtract(&need.task);
                    if let Some(amounts) = &need.executor {
                        pool.amounts.subtract(amounts);
                    }
                    self.start_task(framework, pool, info, need);
                }
                Err(text) => self.refuse_task(now, framework, &info, Reason::TaskInvalid, &text),
            }
        }
    }

    fn start_task(&mut self, framework: &str, pool: &Offer, info: v1::TaskInfo, need: task::Need) {
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        known.tasks.insert(info.task_id.value.clone(), Task::new(info.clone(), pool, need.task));
        if let Some(executor) = info.executor.clone() {
            self.launch_in_executor(framework, pool, executor, need.executor, vec![info], false);
            return;
        }
        let action = AgentAction::Launch { framework: Box::new(known.info.clone()), task: Box::new(info) };
        self.command(&pool.agent, action);
    }

    /// Tells that an operation named offers that it cannot have.
    fn refuse_for_offers(
        &mut self,
        now: Duration,
        framework: &str,
        operation: &offer::Operation,
        text: &str,
    ) {
        let Some(state) =
            self.frameworks.get(framework).map(|known| known.lost_state(TaskState::TaskDropped))
        else {
            return;
        };
        let message = format!("Task launched with invalid offers: {text}");
        for task in launched_tasks(operation) {
            // The task of this id may run: that is what makes repeating an ACCEPT dangerous, and it is
            // the same with a real master.
            let status = v1::TaskStatus {
                reason: Some(Reason::InvalidOffers.into()),
                message: Some(message.clone()),
                agent_id: Some(task.agent_id.clone()),
                ..self.master_status(now, task.task_id.clone(), state)
            };
            self.send_status(framework, status);
        }
        if !matches!(operation.r#type(), operation::Type::Launch | operation::Type::LaunchGroup) {
            let message = format!("Operation attempted with invalid offers: {text}");
            self.refuse_operation(framework, operation, message);
        }
    }

    pub(super) fn refuse_task(
        &mut self,
        now: Duration,
        framework: &str,
        task: &v1::TaskInfo,
        reason: Reason,
        text: &str,
    ) {
        let status = v1::TaskStatus {
            reason: Some(reason.into()),
            message: Some(text.to_owned()),
            agent_id: Some(task.agent_id.clone()),
            ..self.master_status(now, task.task_id.clone(), TaskState::TaskError)
        };
        self.send_status(framework, status);
    }
}

/// The tasks that an operation would start.
fn launched_tasks(operation: &offer::Operation) -> impl Iterator<Item = &v1::TaskInfo> {
    let single = operation.launch.iter().flat_map(|launch| &launch.task_infos);
    let group = operation.launch_group.iter().flat_map(|launch| &launch.task_group.tasks);
    single.chain(group)
}
