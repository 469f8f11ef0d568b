//! The form of the name of a role.

/// What is wrong with the name of a role that something is reserved for, as what was expected.
pub(in super::super) fn reserving_role_problem(role: &str) -> Option<&'static str> {
    if role.is_empty() {
        return Some("expected a role that is not empty");
    }
    if role == "*" {
        return Some("expected a role other than '*', which stands for unreserved");
    }
    if role.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Some("expected a role without blanks and control characters");
    }
    role.split('/').find_map(|component| match component {
        "" => Some("expected a role without '/' at its ends and without '//'"),
        "." | ".." | "*" => Some("expected a role without components '.', '..' and '*'"),
        _ if component.starts_with('-') => Some("expected a role whose components do not begin with '-'"),
        _ => None,
    })
}

/// Whether a role is below another, as `eng/dev` is below `eng`.
pub(super) fn is_below(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_roles_follow_the_rules_of_mesos() {
        for role in ["eng", "eng/dev", "a.b", "...", "a-", "é", "a*"] {
            assert_eq!(reserving_role_problem(role), None, "{role}");
        }
        for role in ["", "*", "/a", "a/", "a//b", ".", "a/..", "a/*", "-a", "a/-b", "a b", "a\t", "\x7f"] {
            assert!(reserving_role_problem(role).is_some(), "{role:?}");
        }
    }

    #[test]
    fn below_is_strict_and_by_components() {
        assert!(is_below("eng/dev", "eng") && is_below("eng/dev/a", "eng"));
        assert!(!is_below("eng", "eng") && !is_below("engine", "eng") && !is_below("eng", "eng/dev"));
    }
}
