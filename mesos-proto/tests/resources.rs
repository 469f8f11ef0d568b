//! Resources follow a model that knows only counts, whatever they are reserved for, allocated to or made of.

#![allow(
    clippy::unwrap_used,
    deprecated,
    missing_docs,
    reason = "a test program; the older format is tested"
)]

use std::collections::BTreeMap;

use mesos_proto::v1::{
    Label, Labels, Ranges, Resource, ResourceProviderId, Resources, Volume,
    resource::{
        AllocationInfo, DiskInfo, ReservationInfo, RevocableInfo, SharedInfo,
        disk_info::{Persistence, Source, source},
        reservation_info::Type,
    },
    value, volume,
};
use proptest::{collection::vec, prelude::*};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_contained_can_be_taken_away_and_put_back((a, b) in akin()) {
        let (whole, part) = (resources(&a), resources(&b));
        let (model, model_part) = (model(&a), model(&b));
        let expected = contains(&model, &model_part);
        prop_assert_eq!(whole.contains(&part), expected);
        prop_assert_eq!(whole == part, model == model_part, "{} and {}", whole, part);
        let rest = whole.checked_sub(&part);
        prop_assert_eq!(rest.is_some(), expected);
        if let Some(mut rest) = rest {
            rest.add(&part);
            prop_assert_eq!(rest, whole);
        }
    }

    #[test]
    fn a_part_leaves_the_rest_of_the_model(all in specs(), chosen: Vec<bool>) {
        let is_chosen = |number: usize| chosen.get(number).copied().unwrap_or_default();
        let chosen = all.iter().enumerate().filter(|(number, _)| is_chosen(*number));
        let part: Vec<Spec> = chosen.map(|(_, spec)| spec.clone()).collect();
        let (whole, part_model) = (model(&all), model(&part));
        let rest = resources(&all).checked_sub(&resources(&part)).expect("a part is contained");
        let mut left = whole;
        for (unit, count) in &part_model {
            *left.get_mut(unit).unwrap() -= count;
        }
        left.retain(|_, count| *count > 0);
        prop_assert_eq!(rest.milli("cpus"), total(&left, "cpus"));
        prop_assert_eq!(rest.is_empty(), left.is_empty());
        prop_assert_eq!(units_of(&rest), left.values().filter(|count| **count > 0).count());
    }

    #[test]
    fn adding_and_taking_away_is_identity((a, b) in (specs(), specs())) {
        let (a, b) = (resources(&a), resources(&apart(&b)));
        let mut sum = a.clone();
        sum.add(&b);
        prop_assert!(sum.contains(&a) && sum.contains(&b));
        prop_assert_eq!(sum.checked_sub(&b), Some(a.clone()));
        prop_assert_eq!(sum.checked_sub(&a), Some(b));
        prop_assert_eq!(sum.checked_sub(&sum), Some(Resources::default()));
    }

    #[test]
    fn order_does_not_matter((a, b, c) in (specs(), specs(), specs()), turn in 0usize..20) {
        let mut turned = a.clone();
        turned.rotate_left(turn.min(a.len()));
        turned.reverse();
        prop_assert_eq!(resources(&turned), resources(&a));
        let [a, b, c] = [a, b, c].map(|specs| resources(&specs));
        prop_assert_eq!(sum(&[&a, &b]), sum(&[&b, &a]));
        prop_assert_eq!(sum(&[&sum(&[&a, &b]), &c]), sum(&[&a, &sum(&[&b, &c])]));
    }

    #[test]
    fn messages_and_back_are_the_same(specs in specs()) {
        let all = resources(&specs);
        prop_assert_eq!(&Resources::try_from(all.to_vec()).unwrap(), &all);
        prop_assert_eq!(&Resources::from_lossy(all.iter()), &all);
    }

    #[test]
    fn text_is_read_back_where_it_can_be(specs in specs()) {
        let readable = |spec: &Spec| spec.disk == 0 && spec.provider == 0 && spec.stack != LABELLED;
        let specs: Vec<Spec> = specs.into_iter().filter(readable).collect();
        let all = resources(&specs);
        let text = all.to_string();
        let read: Resources = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
        prop_assert_eq!(&read, &all, "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }
}

#[test]
fn thousandths_do_not_drift_in_ten_thousand_additions() {
    let tenth = resources_of(vec![Resource::scalar_milli("cpus", 100)]);
    let third = resources_of(vec![Resource { scalar: Some(value::Scalar { value: 1.0 / 3.0 }), ..cpus() }]);
    let mut all = Resources::default();
    for _ in 0..10_000 {
        all.add(&tenth);
        all.add(&third);
        // Through a message each time, as a master and its agents do.
        all = Resources::try_from(all.to_vec()).unwrap();
    }
    assert_eq!(all.milli("cpus"), 10_000 * (100 + 333));
    assert_eq!(all.to_vec()[0].scalar.unwrap().value, 4330.0);
    for _ in 0..10_000 {
        all = all.checked_sub(&tenth).unwrap().checked_sub(&third).unwrap();
    }
    assert!(all.is_empty());
}

#[test]
fn amounts_of_nothing_are_left_out() {
    let zero = Resource { scalar: Some(value::Scalar { value: -0.0 }), ..cpus() };
    let empty = [zero, Resource::ranges("ports", &Ranges::default()), Resource::items("keys", [""; 0])];
    let all = Resources::try_from(empty.to_vec()).unwrap();
    assert!(all.is_empty());
    assert_eq!(all.to_string(), "{}");
    assert!(cpus_and(&all).contains(&all));
}

#[test]
fn every_kind_is_written_as_mesos_writes_it() {
    for (spec, text) in [
        ("4 0 0", "cpus:0.004"),
        ("4 1 1", "cpus(allocated: web)(reservations: [(STATIC,eng)]):0.004"),
        ("4 3 0", "cpus(reservations: [(DYNAMIC,eng,me)]):0.004"),
        ("4 4 0", "cpus(reservations: [(DYNAMIC,eng,{a: 1, b})]):0.004"),
        ("4 5 2", "cpus(allocated: eng)(reservations: [(STATIC,eng),(DYNAMIC,eng/dev)]):0.004"),
    ] {
        let numbers: Vec<usize> = spec.split(' ').map(|number| number.parse().unwrap()).collect();
        let [amount, stack, allocated] = numbers[..] else { panic!("three numbers") };
        for old in [false, true] {
            let spec = Spec { stack, allocated, old, amount: vec![amount as u8], ..Spec::default() };
            assert_eq!(spec.resource().to_string(), text);
        }
    }
    for (disk, volume, shared, text) in [
        (1, false, false, "disk[PATH:/a]:0.001"),
        (3, true, false, "disk[MOUNT:/a:host:data:ro]:0.001"),
        (4, false, false, "disk[BLOCK(,x,)]:0.001"),
        (5, false, false, "disk[RAW(v,,p)]:0.001"),
        (7, false, true, "disk[id]<SHARED>:0.001"),
        (8, true, false, "disk[MOUNT:/a,id:host:data:ro]:0.001"),
    ] {
        let spec = Spec { name: "disk", disk, volume, shared, amount: vec![1], ..Spec::default() };
        assert_eq!(spec.resource().to_string(), text);
    }
    let revocable = Spec { revocable: true, provider: 1, amount: vec![1], ..Spec::default() };
    assert_eq!(revocable.resource().to_string(), "cpus{REV}:0.001");
    let shared = Spec { name: "disk", disk: 7, shared: true, amount: vec![1], ..Spec::default() };
    let all = resources(&[shared.clone(), Spec::default(), shared]);
    assert_eq!(all.to_string(), "disk[id]<SHARED>:0.001<2>; cpus:0.001");
}

/// One resource by numbers; the fields that `key` leaves out make no difference.
#[derive(Clone, Debug)]
struct Spec {
    name: &'static str,
    stack: usize,
    /// Whether the reservation is in the older fields, where it can be.
    old: bool,
    allocated: usize,
    revocable: bool,
    provider: usize,
    disk: usize,
    volume: bool,
    shared: bool,
    amount: Vec<u8>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: "cpus",
            stack: 0,
            old: false,
            allocated: 0,
            revocable: false,
            provider: 0,
            disk: 0,
            volume: false,
            shared: false,
            amount: vec![1],
        }
    }
}

/// The number of the stack with labels.
const LABELLED: usize = 4;

fn stack(number: usize) -> Vec<ReservationInfo> {
    let dynamic = reservation(Some(Type::Dynamic), "eng");
    match number {
        0 => vec![],
        1 => vec![reservation(Some(Type::Static), "eng")],
        2 => vec![dynamic],
        3 => vec![ReservationInfo { principal: Some("me".into()), ..dynamic }],
        LABELLED => vec![ReservationInfo { labels: Some(labels()), ..dynamic }],
        _ => vec![reservation(Some(Type::Static), "eng"), reservation(Some(Type::Dynamic), "eng/dev")],
    }
}

fn disk(number: usize, with_volume: bool) -> Option<DiskInfo> {
    let root = |root: &str| Some(root.to_owned());
    let source = |kind: source::Type| Source { r#type: kind.into(), ..Source::default() };
    let path = |name| Source { path: Some(source::Path { root: root(name) }), ..source(source::Type::Path) };
    let mount = Source { mount: Some(source::Mount { root: root("/a") }), ..source(source::Type::Mount) };
    let raw = Source { profile: Some("p".into()), vendor: Some("v".into()), ..source(source::Type::Raw) };
    let source = match number {
        0 => return None,
        1 => Some(path("/a")),
        2 => Some(path("/b")),
        3 | 8 => Some(mount),
        4 => Some(Source { id: Some("x".into()), ..source(source::Type::Block) }),
        5 => Some(raw),
        6 => Some(Source { id: Some("x".into()), metadata: Some(labels()), ..raw }),
        _ => None,
    };
    let persistence = (number >= 7).then(|| Persistence {
        id: "id".into(),
        // Who made it is not part of what it is.
        principal: with_volume.then(|| "me".into()),
    });
    let volume = with_volume.then(|| Volume {
        mode: volume::Mode::Ro.into(),
        container_path: "data".into(),
        host_path: Some("host".into()),
        ..Volume::default()
    });
    Some(DiskInfo { persistence, volume, source })
}

impl Spec {
    fn resource(&self) -> Resource {
        let value = match self.name {
            "ports" => Resource::ranges("ports", &self.numbers().map(|number| (number, number)).collect()),
            "keys" => Resource::items("keys", self.numbers().map(|number| format!("k{number}"))),
            name => Resource::scalar_milli(name, self.milli()),
        };
        let mut stack = stack(self.stack);
        let (mut role, mut reservation) = (None, None);
        if self.old && stack.len() == 1 {
            let only = stack.remove(0);
            role = only.role.clone();
            let is_dynamic = only.r#type() == Type::Dynamic;
            reservation = is_dynamic.then_some(ReservationInfo { r#type: None, role: None, ..only });
        } else if self.old && stack.is_empty() {
            role = Some("*".into());
        }
        let allocation = |role: &str| Some(AllocationInfo { role: Some(role.into()) });
        Resource {
            role,
            reservation,
            reservations: stack,
            allocation_info: [None, allocation("web"), allocation("eng")][self.allocated].clone(),
            revocable: self.revocable.then_some(RevocableInfo {}),
            provider_id: [None, Some("p1"), Some("p2")][self.provider].map(ResourceProviderId::new),
            disk: disk(self.disk, self.volume).map(Box::new),
            shared: self.shared.then_some(SharedInfo {}),
            ..value
        }
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        let numbers: std::collections::BTreeSet<u64> =
            self.amount.iter().map(|&number| number.into()).collect();
        numbers.into_iter()
    }

    fn milli(&self) -> i64 {
        self.amount.iter().map(|&part| i64::from(part)).sum()
    }

    fn key(&self) -> String {
        let Self { name, stack, old: _, allocated, revocable, provider, disk, volume: _, shared, amount: _ } =
            self;
        format!("{name} {stack} {allocated} {revocable} {provider} {disk} {shared}")
    }
}

/// How much there is of what cannot be told apart: thousandths, one number, one item, one whole disk.
type Model = BTreeMap<(String, i64), i64>;

fn model(specs: &[Spec]) -> Model {
    let mut model = Model::new();
    for spec in specs {
        let key = spec.key();
        match spec.name {
            "ports" | "keys" => {
                for number in spec.numbers() {
                    model.insert((key.clone(), number as i64), 1);
                }
            }
            _ if spec.milli() == 0 => {}
            _ if spec.shared || [3, 4, 6, 7, 8].contains(&spec.disk) => {
                *model.entry((key, spec.milli())).or_default() += 1;
            }
            _ => *model.entry((key, 0)).or_default() += spec.milli(),
        }
    }
    model
}

fn contains(model: &Model, other: &Model) -> bool {
    other.iter().all(|(unit, count)| model.get(unit).is_some_and(|mine| mine >= count))
}

fn total(model: &Model, name: &str) -> i64 {
    model.iter().filter(|((key, _), _)| key.starts_with(name)).map(|(_, count)| count).sum()
}

/// How many units of a model the resources have.
fn units_of(all: &Resources) -> usize {
    let mut units = std::collections::BTreeSet::new();
    for mut resource in all.iter() {
        let (ranges, set) = (resource.ranges.take(), resource.set.take());
        for number in
            ranges.iter().flat_map(|ranges| Ranges::from_value(ranges).numbers().collect::<Vec<_>>())
        {
            units.insert(format!("{resource} {:?} {number}", resource.provider_id));
        }
        for item in set.into_iter().flat_map(|set| set.item) {
            units.insert(format!("{resource} {:?} {item}", resource.provider_id));
        }
        if resource.scalar.is_some() {
            if let Some(disk) = &mut resource.disk {
                disk.volume = None;
            }
            units.insert(format!("{resource} {:?}", resource.provider_id));
        }
    }
    units.len()
}

/// The same with numbers and items that the others do not have: united sets cannot be told apart again.
fn apart(specs: &[Spec]) -> Vec<Spec> {
    let mut apart = specs.to_vec();
    for spec in &mut apart {
        spec.amount.iter_mut().for_each(|number| *number += 100);
    }
    apart
}

fn resources(specs: &[Spec]) -> Resources {
    resources_of(specs.iter().map(Spec::resource).collect())
}

fn resources_of(list: Vec<Resource>) -> Resources {
    Resources::try_from(list).unwrap()
}

fn sum(parts: &[&Resources]) -> Resources {
    let mut sum = Resources::default();
    parts.iter().for_each(|part| sum.add(part));
    sum
}

fn cpus() -> Resource {
    Resource::scalar_milli("cpus", 1000)
}

fn cpus_and(others: &Resources) -> Resources {
    sum(&[&resources_of(vec![cpus()]), others])
}

fn reservation(kind: Option<Type>, role: &str) -> ReservationInfo {
    ReservationInfo { r#type: kind.map(Into::into), role: Some(role.into()), ..ReservationInfo::default() }
}

fn labels() -> Labels {
    let label = |key: &str, value: Option<&str>| Label { key: key.into(), value: value.map(Into::into) };
    Labels { labels: vec![label("a", Some("1")), label("b", None)] }
}

/// Some resources, and some of them again, of which a few differ in one field.
fn akin() -> impl Strategy<Value = (Vec<Spec>, Vec<Spec>)> {
    let changes = vec((any::<bool>(), 0..60usize, 0..9usize), 0..8);
    (specs(), changes, 0..4).prop_map(|(all, changes, doubled)| {
        let mut some = Vec::new();
        for (spec, (is_chosen, field, number)) in all.iter().zip(changes) {
            let mut spec = spec.clone();
            match field {
                0..6 => spec.stack = number % 6,
                6..9 => spec.allocated = number % 3,
                9 => spec.revocable = !spec.revocable,
                10..13 => spec.provider = number % 3,
                13..20 if spec.name == "disk" => spec.disk = number,
                20..22 => spec.shared = !spec.shared,
                22 => spec.amount.push(1),
                23 => spec.volume = !spec.volume,
                24 => spec.old = !spec.old,
                _ => {}
            }
            spec.shared &= spec.disk >= 7;
            if is_chosen || field < 25 {
                some.push(spec);
            }
        }
        match doubled {
            0 => (all, [some.clone(), some].concat()),
            1 => ([all.clone(), all].concat(), some),
            _ => (all, some),
        }
    })
}

/// Up to eight resources; most of them plain, so that kinds meet.
fn specs() -> impl Strategy<Value = Vec<Spec>> {
    fn mostly_none(count: usize) -> impl Strategy<Value = usize> {
        prop_oneof![4 => Just(0), 1 => 1..count]
    }
    let rare = || prop_oneof![6 => Just(false), 1 => Just(true)];
    let name = prop_oneof![Just("cpus"), Just("ports"), Just("keys"), Just("disk")];
    let whose = (mostly_none(6), any::<bool>(), mostly_none(3), rare(), mostly_none(3));
    let spec = (name, whose, 0..9usize, any::<(bool, bool)>(), vec(0..6u8, 0..4));
    let spec = spec.prop_map(|(name, whose, disk, (volume, shared), amount)| {
        let (stack, old, allocated, revocable, provider) = whose;
        let disk = if name == "disk" { disk } else { 0 };
        let shared = shared && disk >= 7;
        Spec { name, stack, old, allocated, revocable, provider, disk, volume, shared, amount }
    });
    vec(spec, 0..8)
}
