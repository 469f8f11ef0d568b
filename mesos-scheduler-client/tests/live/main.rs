//! Scenarios that hold on every Mesos. Each runs twice: always against the embedded one, and, when it is asked
//! for, against the masters in `MESOS_MASTER_URL`:
//!
//! ```sh
//! MESOS_MASTER_URL=http://127.0.0.1:5050 cargo xtask live
//! ```
//!
//! On a shared cluster there are other frameworks, offers take their time, and agents have attributes that
//! nobody here knows: a scenario looks at its own frameworks and tasks alone, declines what it does not need, and
//! leaves nothing behind, also when it fails.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may panic and print, and has no users"
)]

mod contract;
mod failover;
mod framework;
mod offers;
mod raw;
mod scheduler;
mod target;
mod tasks;

use std::time::Duration;

use mesos_local::{Cluster, ClusterConfig};

use crate::target::Target;

/// Two tests of each scenario: one against the embedded Mesos, one against a real master.
macro_rules! scenarios {
    ($($module:ident: $($scenario:ident)*;)*) => {
        mod embedded {
            $($(
                #[tokio::test]
                async fn $scenario() {
                    let cluster = super::cluster().await;
                    let target = super::Target::of_secured_cluster(&cluster);
                    crate::target::run(target, |target| async move {
                        crate::$module::$scenario(&target).await;
                    })
                    .await;
                    cluster.shutdown().await;
                }
            )*)*
        }

        mod real {
            /// Comes first and tells which master that is.
            #[tokio::test]
            #[ignore = "needs a real master: MESOS_MASTER_URL=... cargo xtask live"]
            async fn a_master_answers() {
                println!("{}", super::scheduler::who_answers(&super::Target::of_environment()).await);
            }

            $($(
                #[tokio::test]
                #[ignore = "needs a real master: MESOS_MASTER_URL=... cargo xtask live"]
                async fn $scenario() {
                    crate::target::run(super::Target::of_environment(), |target| async move {
                        crate::$module::$scenario(&target).await;
                    })
                    .await;
                }
            )*)*
        }
    };
}

scenarios! {
    contract:
        a_subscription_in_json_tells_subscribed_and_heartbeat
        a_subscription_in_protobuf_tells_subscribed_and_heartbeat
        requests_that_are_wrong_are_refused_with_a_reason
        calls_of_a_stream_that_are_wrong_are_refused_with_a_reason
        a_framework_that_is_wrong_is_refused_on_the_stream
        wrong_credentials_are_refused_where_some_are_wanted;
    tasks:
        a_command_runs_to_its_end_and_its_output_is_read
        a_command_that_fails_tells_its_exit_code
        a_running_task_is_killed
        tasks_are_reconciled
        tasks_that_are_wrong_end_with_a_reason
        calls_that_are_wrong_are_refused_with_a_reason;
    failover:
        a_second_instance_takes_the_framework_and_its_tasks_over
        a_framework_is_kept_while_nobody_is_connected
        a_framework_that_was_torn_down_stays_removed
        a_framework_without_failover_timeout_goes_with_its_connection;
    offers:
        offers_that_are_declined_come_again
        a_filter_holds_until_revive
        a_suppressed_framework_gets_nothing_until_revive;
    framework:
        submitted_tasks_run_and_their_ends_have_causes
        a_submitted_task_is_killed_and_known_to_be_gone
        a_task_that_no_agent_can_carry_fails_with_what_was_missing
        tasks_are_taken_over_after_their_scheduler_was_killed;
}

/// An embedded Mesos that makes offers without delay.
async fn cluster() -> Cluster {
    let mut config = ClusterConfig::with_agents(2);
    config.allocation_interval = Duration::from_millis(20);
    Cluster::start(config).await.unwrap()
}

#[tokio::test]
async fn the_master_that_answers_is_told_with_its_version_and_its_agents() {
    let cluster = cluster().await;
    let told = scheduler::who_answers(&Target::of_cluster(&cluster)).await;
    assert_eq!(told, format!("{} answers: Mesos 1.12.0, 2 agents", cluster.master_url()));
    cluster.shutdown().await;
}
