//! LAUNCH_GROUP: tasks that are launched together or not at all.

use std::time::Duration;

use mesos_proto::v1::{offer::operation, task_status::Reason};

use super::{Master, amounts::allocated, offers::Offer, tasks::Task, validate::group};

impl Master {
    pub(super) fn launch_group(
        &mut self,
        now: Duration,
        framework: &str,
        pool: &mut Offer,
        launch: operation::LaunchGroup,
        has_id: bool,
    ) {
        let operation::LaunchGroup { mut executor, task_group } = launch;
        let mut tasks = task_group.tasks;
        executor.resources = allocated(executor.resources, &pool.role);
        for task in &mut tasks {
            task.resources = allocated(std::mem::take(&mut task.resources), &pool.role);
        }
        let Some(known) = self.frameworks.get_mut(framework) else {
            return;
        };
        let checked = if has_id {
            Err("The `id` field cannot be set on LAUNCH_GROUP operations".to_owned())
        } else {
            group::validate(&executor, &tasks, known, pool)
        };
        let need = match checked {
            Ok(need) => need,
            Err(text) => {
                for task in &tasks {
                    self.refuse_task(now, framework, task, Reason::TaskGroupInvalid, &text);
                }
                return;
            }
        };
        for (task, amounts) in tasks.iter_mut().zip(need.tasks) {
            task.executor = Some(executor.clone());
            pool.amounts.subtract(&amounts);
            let id = task.task_id.value.clone();
            known.tasks.insert(id, Task::new(task.clone(), pool, amounts));
        }
        if let Some(amounts) = &need.executor {
            pool.amounts.subtract(amounts);
        }
        self.launch_in_executor(framework, pool, executor, need.executor, tasks, true);
    }
}
