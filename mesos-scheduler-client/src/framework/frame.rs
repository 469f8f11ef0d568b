//! One frame of the framework core: match, prune, ask, in this order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use mesos_proto::v1::{self, Ranges};

use super::{
    ChangeKind, FrameworkCore, InFlight, Stage, TaskPhase,
    launches::{Launched, describe, operation},
    matcher::{Match, Round},
    offers::{Group, GroupId},
    policy::Packing,
    queue::{ClassId, Rank},
    task::Placed,
    timers::Timer,
};
use crate::{calls, mutation::Mutation};

/// The tasks that go to one group of offers.
type Launches = BTreeMap<GroupId, Launched>;

impl FrameworkCore {
    /// Does what the last input made necessary.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.is_subscribed() {
            if std::mem::take(&mut self.is_question_due) {
                self.ask_for_doubtful(now);
            }
            if std::mem::take(&mut self.unmatched) {
                self.match_waiting(now);
                self.prune_offers();
            }
            if std::mem::take(&mut self.is_demand_due) {
                self.push_down();
                self.ask(now);
            }
        }
        let expiry = self.offers.next_expiry();
        if expiry.is_some() || self.timers.is_set(&Timer::Offers) {
            self.timers.set_or_stop(Timer::Offers, expiry);
        }
    }

    fn match_waiting(&mut self, now: Instant) {
        if self.offers.is_empty() || self.queue.is_empty() {
            return;
        }
        let mut round = Round::new(now, self.policy.packing);
        let is_forgetful =
            self.mutations.has(Mutation::ForgetTakenPorts) || self.mutations.has(Mutation::ForgetTakenMemory);
        let mut launches = Launches::new();
        let mut place = None;
        while let Some((next, task_id)) = self.queue.next_after(place) {
            place = Some(next);
            let (rank, class_id) = next;
            let Some(class) = self.queue.class_mut(class_id) else { continue };
            if let Some(found) = round.place(class_id, class, &self.offers, &self.ports) {
                let taken = is_forgetful.then(|| (found.group, found.host_ports.clone()));
                self.put(&mut round, &mut launches, (rank, class_id), &task_id, found);
                if let Some((group, ports)) = taken {
                    self.forget_taken(group, &ports);
                }
            }
        }
        for (group, launched) in launches {
            self.accept(group, launched);
        }
    }

    /// What a deliberate bug does.
    fn forget_taken(&mut self, group: GroupId, ports: &[u16]) {
        let ports: Vec<Ranges> =
            ports.iter().map(|port| Ranges::single((*port).into(), (*port).into())).collect();
        let mut resources: Vec<v1::Resource> =
            ports.iter().map(|port| v1::Resource::ranges("ports", port)).collect();
        if self.mutations.has(Mutation::ForgetTakenMemory) {
            resources = vec![v1::Resource::scalar_milli("mem", 1_000_000)];
        }
        self.offers.change(group, |group| {
            let first = group.offers[0].resources.len();
            group.offers[0].resources.extend(resources);
            group.supply.add(0, &group.offers[0].resources, first);
        });
    }

    /// Puts a task on a group of offers.
    fn put(
        &mut self,
        round: &mut Round,
        launches: &mut Launches,
        (rank, class_id): (Rank, ClassId),
        task_id: &Arc<str>,
        found: Match,
    ) {
        let wire_id = self.tasks.wire_id(task_id);
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        let Some(launch) = &mut task.launch else { return };
        let Match { group: group_id, host_ports } = found;
        let spec = &launch.spec;
        let taken = self.offers.change(group_id, |group| {
            let resources = group.supply.take(&group.offers, spec, &host_ports);
            let agent = group.agent.clone();
            let operation = operation(describe(spec, task_id, &wire_id, &agent.id, resources, &host_ports));
            (operation, agent, group.role.clone())
        });
        let Some(((operation, agent, role), before, after)) = taken else { return };
        if self.policy.packing == Packing::Pack {
            round.took(&role, group_id, before, after);
        }
        self.ports.given(&agent.key, &host_ports);
        task.state = TaskPhase::Launching;
        task.placed = Some(Placed { agent, host_ports: host_ports.into() });
        launch.class = None;
        launch.attempts = launch.attempts.saturating_add(1);
        self.leave_queue(class_id, rank);
        let launched = launches.entry(group_id).or_default();
        launched.task_ids.push(task_id.clone());
        launched.operations.push(operation);
        self.change(task_id, ChangeKind::Stage(Stage::Staging));
    }

    /// Takes a task out of the queue.
    pub(super) fn leave_queue(&mut self, class_id: ClassId, rank: Rank) {
        let want = self.queue.class(class_id).map(|class| class.want.clone());
        self.queue.remove(class_id, rank);
        if self.queue.class(class_id).is_none()
            && let Some(want) = want
        {
            self.push_down.remove(&want);
        }
        self.is_demand_due = true;
    }

    /// Puts a task into the queue.
    pub(super) fn wait(&mut self, task_id: &Arc<str>) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        let Some(launch) = &mut task.launch else { return };
        let classes = self.queue.class_count();
        let class_id = self.queue.push(task.rank, task_id.clone(), &launch.spec, &self.roles);
        launch.class = Some(class_id);
        if let Some(class) = self.queue.class(class_id) {
            if self.queue.class_count() > classes {
                self.push_down.add(&class.want);
            }
            self.demand.new_work(&class.want.roles);
        }
        self.is_demand_due = true;
        self.unmatched = true;
        self.change(task_id, ChangeKind::Stage(Stage::WaitingForOffer));
    }

    /// Gives back what nothing needs: everything while work waits that it does not fit, and what is too
    /// much to hold otherwise. The rest is given back by its timer.
    fn prune_offers(&mut self) {
        let keep = if self.queue.is_empty() && !self.policy.hold.is_zero() {
            self.policy.max_held_offers
        } else {
            0
        };
        let surplus = self.offers.take_surplus(keep);
        self.decline(surplus.iter().flat_map(Group::offer_ids).collect());
    }

    pub(super) fn give_back_expired(&mut self, now: Instant) {
        let mut expired = Vec::new();
        while let Some(group) = self.offers.expired(now).and_then(|id| self.offers.remove(id)) {
            expired.extend(group.offer_ids());
        }
        if self.mutations.has(Mutation::LeakOffers) {
            return;
        }
        if self.mutations.has(Mutation::DeclineTwice) {
            self.decline(expired.clone());
        }
        self.decline(expired);
    }

    /// Tells the master which offers need not be made.
    fn push_down(&mut self) {
        let suppressed = self.suppressed_roles();
        if let Some(update) = self.push_down.poll(suppressed) {
            self.push_tracked_call(calls::update_framework(update), InFlight::PushDown);
        }
    }

    /// Tells the master for which roles offers are welcome.
    fn ask(&mut self, now: Instant) {
        let queue = &self.queue;
        let mut wishes = self.demand.poll(now, |role| queue.wants_role(role));
        if self.mutations.has(Mutation::NeverSuppress) {
            wishes.suppress.clear();
        }
        let deadline = self.demand.next_deadline(|role| queue.wants_role(role));
        self.timers.set_or_stop(Timer::Demand, deadline);
        let names = |roles: &BTreeSet<Arc<str>>| roles.iter().map(ToString::to_string).collect();
        for (roles, call) in
            [(wishes.revive, calls::revive as fn(Vec<String>) -> _), (wishes.suppress, calls::suppress)]
        {
            if !roles.is_empty() {
                let tracked = self.demand.call(&roles);
                let roles: BTreeSet<Arc<str>> = roles.into_iter().collect();
                self.push_tracked_call(call(names(&roles)), InFlight::Demand(tracked));
            }
        }
    }
}
