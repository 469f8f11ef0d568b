//! The form of resources.

use std::collections::BTreeSet;

use mesos_proto::v1::{Resource, milli, value};

/// Checks each resource for itself.
pub(in crate::master) fn validate(resources: &[Resource]) -> Result<(), String> {
    for resource in resources {
        one(resource).map_err(|text| format!("Resource '{resource}' is invalid: {text}"))?;
    }
    Ok(())
}

fn one(resource: &Resource) -> Result<(), String> {
    if resource.name.is_empty() {
        return Err("Empty resource name".into());
    }
    match resource.r#type() {
        value::Type::Scalar => {
            let value = resource.scalar.as_ref().ok_or("Invalid scalar resource: no value")?.value;
            // An exact zero passes and counts for nothing.
            let too_small = milli(value) <= 0 && value != 0.0;
            if too_small { Err("Invalid scalar resource: value <= 0".into()) } else { Ok(()) }
        }
        value::Type::Ranges => {
            let ranges = resource.ranges.as_ref().ok_or("Invalid ranges resource: no value")?;
            if ranges.range.iter().any(|range| range.begin > range.end) {
                return Err("Invalid ranges resource: begin > end".into());
            }
            let mut pairs: Vec<(u64, u64)> =
                ranges.range.iter().map(|range| (range.begin, range.end)).collect();
            pairs.sort_unstable();
            if pairs.windows(2).any(|pair| pair[1].0 <= pair[0].1) {
                return Err("Invalid ranges resource: overlapping ranges".into());
            }
            Ok(())
        }
        value::Type::Set => {
            let set = resource.set.as_ref().ok_or("Invalid set resource: no value")?;
            let mut seen = BTreeSet::new();
            match set.item.iter().find(|item| !seen.insert(*item)) {
                Some(_) => Err("Invalid set resource: duplicated elements".into()),
                None => Ok(()),
            }
        }
        value::Type::Text => Err("Unsupported resource type".into()),
    }
}

#[cfg(test)]
mod tests {
    use mesos_proto::v1::Ranges;

    use super::*;

    fn ports(ranges: &[(u64, u64)]) -> Resource {
        let range = ranges.iter().map(|&(begin, end)| value::Range { begin, end }).collect();
        Resource { ranges: Some(value::Ranges { range }), ..Resource::ranges("ports", &Ranges::default()) }
    }

    #[test]
    fn malformed_resources_are_named() {
        let cpus =
            |value| Resource { scalar: Some(value::Scalar { value }), ..Resource::scalar_milli("cpus", 0) };
        for (resource, wrong) in [
            (cpus(0.1), None),
            (cpus(0.0), None),
            (cpus(-1.0), Some("Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0")),
            (cpus(0.0001), Some("Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0")),
            (cpus(f64::NAN), Some("Resource 'cpus:NaN' is invalid: Invalid scalar resource: value <= 0")),
            (ports(&[(31000, 31001), (31002, 31003)]), None),
            (
                ports(&[(31000, 31001), (31000, 31001)]),
                Some(
                    "Resource 'ports:[31000-31001, 31000-31001]' is invalid: Invalid ranges resource: \
                     overlapping ranges",
                ),
            ),
            (
                ports(&[(5, 4)]),
                Some("Resource 'ports:[5-4]' is invalid: Invalid ranges resource: begin > end"),
            ),
        ] {
            assert_eq!(validate(&[resource]).err().as_deref(), wrong);
        }
    }
}
