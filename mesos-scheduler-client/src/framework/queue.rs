//! Tasks that wait for an offer, in the order in which they are placed.
//!
//! Tasks that want the same are one class: if an offer does not fit one of them, it fits none. So the work of a round
//! grows with the classes and the tasks that are placed, and not with all that wait.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{
    eligibility::Eligibility,
    report::WhyNot,
    spec::{PortRequest, TaskSpec},
};

/// Names a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClassId(u64);

/// The place of a task: higher priority first, then the order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    priority: Reverse<i32>,
    sequence: u64,
}

impl Rank {
    pub(super) fn new(priority: i32, sequence: u64) -> Self {
        Self { priority: Reverse(priority), sequence }
    }
}

/// What tasks of one class want.
#[derive(Clone, Debug)]
pub(super) struct Want {
    /// Amounts in thousandths, in the order in which they are checked; those of 0 are left out.
    pub(super) scalars: Vec<(&'static str, i64)>,
    pub(super) ports: Vec<PortRequest>,
    /// The roles whose offers they take.
    pub(super) roles: Vec<Arc<str>>,
    pub(super) eligibility: Option<Eligibility>,
}

impl Want {
    pub(super) fn milli(&self, name: &str) -> i64 {
        self.scalars.iter().find(|(scalar, _)| *scalar == name).map_or(0, |(_, milli)| *milli)
    }
}

/// What tells classes apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    scalars: Vec<(&'static str, i64)>,
    ports: Vec<PortRequest>,
    roles: Vec<Arc<str>>,
    /// The rule by its address: a class keeps its rule alive, so no other one can have it.
    eligibility: Option<usize>,
}

impl Key {
    fn of(want: &Want) -> Self {
        Self {
            scalars: want.scalars.clone(),
            ports: want.ports.clone(),
            roles: want.roles.clone(),
            eligibility: want.eligibility.as_ref().map(Eligibility::address),
        }
    }
}

#[derive(Debug)]
pub(super) struct Class {
    pub(super) want: Arc<Want>,
    pub(super) why: WhyNot,
    members: BTreeMap<Rank, Arc<str>>,
}

/// All tasks that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    classes: BTreeMap<ClassId, Class>,
    /// Only looked up, never walked: its order depends on addresses.
    by_key: BTreeMap<Key, ClassId>,
    /// The first task of each class.
    heads: BTreeSet<(Rank, ClassId)>,
    /// How many classes take offers of a role.
    roles: BTreeMap<Arc<str>, usize>,
    next: u64,
}

impl Queue {
    /// Adds a task; gives the class that it is of. `all_roles` are those of the framework.
    pub(super) fn push(
        &mut self,
        rank: Rank,
        task_id: Arc<str>,
        spec: &TaskSpec,
        all_roles: &[Arc<str>],
    ) -> ClassId {
        let want = want(spec, all_roles);
        let key = Key::of(&want);
        let id = match self.by_key.get(&key) {
            Some(id) => *id,
            None => {
                self.next += 1;
                let id = ClassId(self.next);
                for role in &want.roles {
                    *self.roles.entry(role.clone()).or_default() += 1;
                }
                self.by_key.insert(key, id);
                let class = Class { want: Arc::new(want), why: WhyNot::default(), members: BTreeMap::new() };
                self.classes.insert(id, class);
                id
            }
        };
        if let Some(class) = self.classes.get_mut(&id) {
            if let Some((head, _)) = class.members.first_key_value() {
                self.heads.remove(&(*head, id));
            }
            class.members.insert(rank, task_id);
            if let Some((head, _)) = class.members.first_key_value() {
                self.heads.insert((*head, id));
            }
        }
        id
    }

    /// Takes a task out. A class goes with its last task.
    pub(super) fn remove(&mut self, id: ClassId, rank: Rank) {
        let Some(class) = self.classes.get_mut(&id) else { return };
        if let Some((head, _)) = class.members.first_key_value() {
            self.heads.remove(&(*head, id));
        }
        class.members.remove(&rank);
        if let Some((head, _)) = class.members.first_key_value() {
            self.heads.insert((*head, id));
            return;
        }
        if let Some(class) = self.classes.remove(&id) {
            self.by_key.remove(&Key::of(&class.want));
            for role in &class.want.roles {
                if let Some(classes) = self.roles.get_mut(role) {
                    *classes -= 1;
                    if *classes == 0 {
                        self.roles.remove(role);
                    }
                }
            }
        }
    }

    /// The task that comes after this place among the first ones of all classes, its class and its place.
    pub(super) fn next_after(&self, place: Option<(Rank, ClassId)>) -> Option<((Rank, ClassId), Arc<str>)> {
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        let &(rank, id) = self.heads.range((from, Bound::Unbounded)).next()?;
        let task_id = self.classes.get(&id)?.members.get(&rank)?;
        Some(((rank, id), task_id.clone()))
    }

    pub(super) fn class(&self, id: ClassId) -> Option<&Class> {
        self.classes.get(&id)
    }

    pub(super) fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.classes.get_mut(&id)
    }

    /// How many different wants there are.
    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Whether a task waits that takes offers of this role.
    pub(super) fn wants_role(&self, role: &str) -> bool {
        self.roles.contains_key(role)
    }
}

fn want(spec: &TaskSpec, all_roles: &[Arc<str>]) -> Want {
    let roles = all_roles
        .iter()
        .filter(|role| spec.roles.is_empty() || spec.roles.iter().any(|own| **own == ***role));
    Want {
        scalars: spec.scalars().collect(),
        ports: spec.ports.clone(),
        roles: roles.cloned().collect(),
        eligibility: spec.eligibility.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_by_priority_and_then_by_age_whatever_their_class() {
        let mut queue = Queue::default();
        let roles = ["web".into()];
        let mut places = Vec::new();
        for (sequence, (id, cpus, priority)) in
            [("a", 100, 0), ("b", 200, 0), ("c", 100, 0), ("d", 200, 7), ("e", 300, -1)]
                .into_iter()
                .enumerate()
        {
            let spec = TaskSpec::command(id, cpus, 32, "true").priority(priority);
            let rank = Rank::new(priority, sequence as u64);
            places.push((queue.push(rank, id.into(), &spec, &roles), rank));
        }
        assert_eq!(queue.class_count(), 3);
        assert!(queue.wants_role("web"));
        let mut order = String::new();
        while let Some(((rank, class), id)) = queue.next_after(None) {
            order.push_str(&id);
            queue.remove(class, rank);
        }
        assert_eq!(order, "dabce");
        assert!(queue.is_empty() && !queue.wants_role("web") && queue.by_key.is_empty());
    }

    #[test]
    fn clones_of_a_rule_are_one_class_and_equal_functions_are_not() {
        let mut queue = Queue::default();
        let rule = || Eligibility::new(|_| Ok(()));
        let shared = rule();
        for (sequence, rule) in [shared.clone(), shared, rule()].into_iter().enumerate() {
            let spec = TaskSpec::command("t", 1, 1, "true").eligibility(rule);
            queue.push(Rank::new(0, sequence as u64), "t".into(), &spec, &["*".into()]);
        }
        assert_eq!(queue.class_count(), 2);
    }
}
