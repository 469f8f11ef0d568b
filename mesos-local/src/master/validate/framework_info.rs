//! What a framework says about itself.

#![expect(deprecated, reason = "frameworks without newer capabilities speak by the field `role`")]

use std::collections::BTreeSet;

use mesos_proto::v1::{FrameworkInfo, framework_info::capability};

use super::ids;
use crate::master::{
    config::MasterOptions,
    frameworks::{has_capability, roles as framework_roles},
};

/// Times are kept in nanoseconds as 64-bit integers; longer ones cannot be.
const MAX_SECONDS: f64 = i64::MAX as f64 / 1e9;

/// Checks roles, id, filters and timeout, and what the flags of the master allow.
pub(in crate::master) fn validate(info: &FrameworkInfo, options: &MasterOptions) -> Result<(), String> {
    roles(info)?;
    if let Some(id) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        ids::validate(&id.value)?;
    }
    offer_filters(info)?;
    // Not a number passes, as with a real master.
    if let Some(seconds) = info.failover_timeout.filter(|seconds| seconds.abs() > MAX_SECONDS) {
        return Err(format!("The framework failover_timeout ({}) is invalid", six_digits(seconds)));
    }
    if let Some(allowed) = &options.roles {
        let roles = framework_roles(info);
        // Everybody may have the default role.
        let strangers: Vec<&str> = roles
            .iter()
            .filter(|role| *role != "*" && !allowed.contains(*role))
            .map(String::as_str)
            .collect();
        if !strangers.is_empty() {
            return Err(format!(
                "Roles {{ {} }} are not present in the master's --roles",
                strangers.join(", ")
            ));
        }
    }
    if info.user == "root" && !options.root_submissions {
        return Err("User 'root' is not allowed to run frameworks without --root_submissions set".into());
    }
    Ok(())
}

/// Checks the least amounts that roles want to be offered.
fn offer_filters(info: &FrameworkInfo) -> Result<(), String> {
    let roles = framework_roles(info);
    for (role, filters) in &info.offer_filters {
        let wrong = |text: &str| format!("The offer filters for role '{role}' are invalid: {text}");
        if !roles.contains(role) {
            return Err(wrong("the framework does not have the role"));
        }
        let Some(least) = &filters.min_allocatable_resources else {
            continue;
        };
        if least.quantities.is_empty() {
            return Err(wrong("'min_allocatable_resources' is empty"));
        }
        for all in &least.quantities {
            if all.quantities.is_empty() {
                return Err(wrong("'min_allocatable_resources' has empty quantities"));
            }
            for (name, scalar) in &all.quantities {
                let value = scalar.value;
                if !(value == 0.0 || value.is_normal()) || value < 0.0 {
                    return Err(wrong(&format!("{value} is no amount of '{name}'")));
                }
            }
        }
    }
    Ok(())
}

/// Checks that a framework keeps its principal.
pub(in crate::master) fn same_principal(known: &FrameworkInfo, wanted: &FrameworkInfo) -> Result<(), String> {
    if known.principal == wanted.principal {
        Ok(())
    } else {
        Err("Changing framework's principal is not allowed.".into())
    }
}

/// Checks that a framework is not called upon by somebody else who has proved who he is.
pub(in crate::master) fn authenticated(info: &FrameworkInfo, principal: Option<&str>) -> Result<(), String> {
    match (principal, &info.principal) {
        (Some(given), Some(named)) if given != named => Err(format!(
            "Authenticated principal '{given}' does not match principal '{named}' set in `FrameworkInfo`"
        )),
        _ => Ok(()),
    }
}

/// Checks that nothing changes which cannot.
pub(in crate::master) fn may_become(known: &FrameworkInfo, wanted: &FrameworkInfo) -> Result<(), String> {
    same_principal(known, wanted)?;
    let unsupported = |field: &str, from: &str, to: &str| {
        format!(
            "Updating 'FrameworkInfo.{field}' is unsupported; attempted to update from '{from}' to '{to}'"
        )
    };
    if known.user != wanted.user {
        return Err(unsupported("user", &known.user, &wanted.user));
    }
    let (from, to) = (known.checkpoint(), wanted.checkpoint());
    if from != to {
        return Err(unsupported("checkpoint", &from.to_string(), &to.to_string()));
    }
    Ok(())
}

fn roles(info: &FrameworkInfo) -> Result<(), String> {
    if !has_capability(info, capability::Type::MultiRole) {
        if !info.roles.is_empty() {
            return Err(
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".into()
            );
        }
        return match &info.role {
            Some(name) => {
                role(name).map_err(|text| format!("'FrameworkInfo.role' is not a valid role: {text}"))
            }
            None => Ok(()),
        };
    }
    if info.role.is_some() {
        return Err("'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".into());
    }
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<&str> =
        info.roles.iter().filter(|role| !seen.insert(role.as_str())).map(String::as_str).collect();
    if !repeated.is_empty() {
        let repeated: Vec<&str> = repeated.into_iter().collect();
        return Err(format!("'FrameworkInfo.roles' contains duplicate items: {{ {} }}", repeated.join(", ")));
    }
    for name in &info.roles {
        role(name).map_err(|text| format!("'FrameworkInfo.roles' contains invalid role: {text}"))?;
    }
    Ok(())
}

/// Checks the name of a role: components between slashes.
pub(in crate::master) fn role(name: &str) -> Result<(), String> {
    if name == "*" {
        return Ok(());
    }
    if name.is_empty() {
        return Err("Empty role name is invalid".into());
    }
    if name.starts_with('/') {
        return Err(format!("Role '{name}' cannot start with a slash"));
    }
    if name.ends_with('/') {
        return Err(format!("Role '{name}' cannot end with a slash"));
    }
    if name.contains("//") {
        return Err(format!("Role '{name}' cannot contain two adjacent slashes"));
    }
    for component in name.split('/') {
        let wrong = if matches!(component, "." | ".." | "*") {
            "it is reserved"
        } else if component.starts_with('-') {
            "it starts with a dash"
        } else if component.chars().any(|character| character.is_whitespace() || character.is_control()) {
            "it contains backspace or whitespace"
        } else {
            continue;
        };
        return Err(format!("Role component '{component}' is invalid because {wrong}"));
    }
    Ok(())
}

/// A number as C++ streams write it: six significant digits, an exponent for large ones.
fn six_digits(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let text = format!("{number:.5e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits}e+{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_by_rules() {
        for (name, wrong) in [
            ("*", None),
            ("eng", None),
            ("eng/dev", None),
            ("", Some("Empty role name is invalid")),
            ("/eng", Some("Role '/eng' cannot start with a slash")),
            ("eng/", Some("Role 'eng/' cannot end with a slash")),
            ("eng//dev", Some("Role 'eng//dev' cannot contain two adjacent slashes")),
            ("eng/*", Some("Role component '*' is invalid because it is reserved")),
            ("-eng", Some("Role component '-eng' is invalid because it starts with a dash")),
            ("a b", Some("Role component 'a b' is invalid because it contains backspace or whitespace")),
        ] {
            assert_eq!(role(name).err().as_deref(), wrong, "{name}");
        }
    }

    #[test]
    fn large_numbers_are_written_with_exponents() {
        for (number, text) in
            [(1e10, "1e+10"), (-1.25e11, "-1.25e+11"), (1e100, "1e+100"), (f64::INFINITY, "inf")]
        {
            assert_eq!(six_digits(number), text);
        }
    }
}
