//! The form of resources: what the master refuses is refused or left out.

#![allow(
    clippy::unwrap_used,
    deprecated,
    missing_docs,
    reason = "a test program; the older format is tested"
)]

use mesos_proto::v1::{
    MAX_SCALAR_MILLI, Ranges, Resource, Resources,
    resource::{
        DiskInfo, ReservationInfo, SharedInfo,
        disk_info::{Source, source},
        reservation_info::Type,
    },
    value,
};

#[test]
fn every_thousandth_up_to_the_largest_survives_a_message() {
    for distance in 0..10_000 {
        let milli = MAX_SCALAR_MILLI - distance * 7_919;
        let resource = Resource::scalar_milli("mem", milli);
        assert_eq!(resource.milli(), milli);
        assert!(resource.validate().is_ok());
    }
    let beyond = Resource::scalar_milli("mem", MAX_SCALAR_MILLI + 1);
    assert!(
        beyond.validate().unwrap_err().problem().starts_with("expected a scalar of 2251799813685 at most")
    );
}

#[test]
fn malformed_resources_are_refused_or_left_out() {
    let scalar = |value| Resource { scalar: Some(value::Scalar { value }), ..cpus() };
    let ports = |pairs: &[(u64, u64)]| {
        let range = pairs.iter().map(|&(begin, end)| value::Range { begin, end }).collect();
        Resource { ranges: Some(value::Ranges { range }), ..Resource::ranges("ports", &Ranges::default()) }
    };
    let reserved = |stack: &[(Option<Type>, &str)]| Resource {
        reservations: stack.iter().map(|&(kind, role)| reservation(kind, role)).collect(),
        ..cpus()
    };
    let disk = |source: Source| Resource {
        disk: Some(Box::new(DiskInfo { source: Some(source), ..DiskInfo::default() })),
        ..Resource::scalar_milli("disk", 1)
    };
    let block = Source { r#type: source::Type::Block.into(), ..Source::default() };
    let is_static = Some(Type::Static);
    let cases = [
        (scalar(-1.0), "'cpus:-1': expected a scalar that is not negative"),
        (scalar(-0.0001), "'cpus:0': expected a scalar that is not negative"),
        (scalar(0.0001), "'cpus:0': expected 0 or at least 0.0005, the scalar is 1e-4"),
        (scalar(f64::NAN), "'cpus:NaN': expected a finite scalar"),
        (scalar(f64::INFINITY), "'cpus:inf': expected a finite scalar"),
        (scalar(1e300), "'cpus:9223372036854775.807': expected a scalar of 2251799813685 at most"),
        (Resource { name: String::new(), ..cpus() }, "':1': expected a name"),
        (
            Resource { scalar: None, ..Resource::scalar_milli("a\nb", 1) },
            "'a\\nb:': expected one value, of the type SCALAR",
        ),
        (Resource { r#type: 3, ..cpus() }, "'cpus:': expected a scalar, ranges or a set, the type is TEXT"),
        (Resource { r#type: 9, ..cpus() }, "'cpus:': expected a scalar, ranges or a set, the type is 9"),
        (
            Resource { set: Some(value::Set::default()), ..cpus() },
            "'cpus:1': expected one value, of the type SCALAR",
        ),
        (ports(&[(5, 4)]), "'ports:[5-4]': expected a begin up to the end, not 5-4"),
        (
            ports(&[(7, 9), (1, 7)]),
            "'ports:[7-9, 1-7]': expected ranges that do not overlap, as 1-7 and 7-9 do",
        ),
        (
            Resource::items("keys", ["a", "b", "a"]),
            "'keys:{a, b, a}': expected each item once, 'a' is there twice",
        ),
        (
            Resource { disk: Some(Box::default()), ..cpus() },
            "'cpus[]:1': expected no disk for a resource that is not named 'disk'",
        ),
        (
            disk(Source { r#type: 77, ..Source::default() }),
            "'disk[UNKNOWN]:0.001': expected a disk of type PATH, MOUNT, BLOCK or RAW, the type is 77",
        ),
        (
            disk(Source { mount: Some(source::Mount::default()), ..block }),
            "'disk[BLOCK]:0.001': expected neither path nor mount with a disk of type BLOCK or RAW",
        ),
        (
            Resource { shared: Some(SharedInfo {}), ..cpus() },
            "'cpus<SHARED>:1': expected a persistent volume: nothing else is shared",
        ),
        (
            Resource { role: Some("a b".into()), ..cpus() },
            "'cpus(reservations: [(STATIC,a b)]):1': expected a role without blanks and control characters, \
             not 'a b'",
        ),
        (
            Resource { reservation: Some(ReservationInfo::default()), ..cpus() },
            "'cpus:1': expected a role other than '*' with a reservation",
        ),
        (
            Resource { role: Some("eng".into()), ..reserved(&[(is_static, "web")]) },
            "'cpus(reservations: [(STATIC,web)]):1': expected the fields 'role' and 'reservation' to say what \
             'reservations' does",
        ),
        (
            reserved(&[(None, "web")]),
            "'cpus(reservations: [(UNKNOWN,web)]):1': expected each reservation to be STATIC or DYNAMIC",
        ),
        (
            reserved(&[(is_static, "*")]),
            "'cpus(reservations: [(STATIC,*)]):1': expected a role other than '*', which stands for unreserved, \
             not '*'",
        ),
        (
            reserved(&[(is_static, "eng"), (is_static, "eng/dev")]),
            "'cpus(reservations: [(STATIC,eng),(STATIC,eng/dev)]):1': expected DYNAMIC reservations behind the \
             first",
        ),
        (
            reserved(&[(is_static, "eng"), (Some(Type::Dynamic), "web")]),
            "'cpus(reservations: [(STATIC,eng),(DYNAMIC,web)]):1': expected a role below 'eng', not 'web'",
        ),
    ];
    for (resource, expected) in cases {
        let error = Resources::try_from(vec![cpus(), resource.clone()]).unwrap_err();
        assert_eq!(error.to_string(), format!("invalid resource {expected}"));
        assert_eq!(Resources::from_lossy([resource, cpus()]).to_vec(), [cpus()]);
    }
}

fn cpus() -> Resource {
    Resource::scalar_milli("cpus", 1000)
}

fn reservation(kind: Option<Type>, role: &str) -> ReservationInfo {
    ReservationInfo { r#type: kind.map(Into::into), role: Some(role.into()), ..ReservationInfo::default() }
}
