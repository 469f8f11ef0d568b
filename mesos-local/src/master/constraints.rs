//! Offer constraints: which agents a role wants to be offered at all.

mod pattern;
mod program;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use mesos_proto::v1::{
    self,
    scheduler::{
        AttributeConstraint, OfferConstraints,
        attribute_constraint::{
            Selector,
            predicate::Predicate,
            selector::{PseudoattributeType, Selector as Kind},
        },
    },
    value,
};
use regex::Regex;

use super::config::MasterOptions;

/// Constraints that were checked and compiled. Roles without an entry want every agent.
///
/// Patterns are read as RE2 reads them and run by the crate `regex`.
#[derive(Debug, Default)]
pub(super) struct Constraints(BTreeMap<String, Vec<Group>>);

/// All of these must hold.
type Group = Vec<Constraint>;

#[derive(Debug)]
struct Constraint {
    selector: Subject,
    test: Test,
}

#[derive(Debug)]
enum Subject {
    Hostname,
    Region,
    Zone,
    Attribute(String),
}

#[derive(Debug)]
enum Test {
    Exists,
    NotExists,
    Equals(String),
    NotEquals(String),
    Matches(Regex),
    NotMatches(Regex),
}

/// What a constraint looks at.
enum Found<'a> {
    Absent,
    Text(&'a str),
    /// A scalar or ranges: true for every test of text.
    Other,
}

impl Constraints {
    /// Compiles what a framework sent.
    pub(super) fn new(
        message: &OfferConstraints,
        roles: &BTreeSet<String>,
        options: &MasterOptions,
    ) -> Result<Self, String> {
        let mut compiled = BTreeMap::new();
        for (role, constraints) in &message.role_constraints {
            if !roles.contains(role) {
                // The missing blank is in the text of a real master, too.
                return Err(format!(
                    "Offer constraints specify `role_constraints` for a role '{role}'not contained in the set \
                     of roles"
                ));
            }
            let groups = compile_role(role, &constraints.groups, options)
                .map_err(|text| format!("Offer constraints are not valid: {text}"))?;
            compiled.insert(role.clone(), groups);
        }
        Ok(Self(compiled))
    }

    /// Whether a role wants offers of this agent.
    pub(super) fn allow(&self, role: &str, agent: &v1::AgentInfo) -> bool {
        self.0.get(role).is_none_or(|groups| {
            groups.iter().any(|group| group.iter().all(|constraint| constraint.holds(agent)))
        })
    }
}

impl Constraint {
    fn new(message: &AttributeConstraint, options: &MasterOptions) -> Result<Self, String> {
        let selector = subject(&message.selector)?;
        Ok(Self { selector, test: test(message.predicate.predicate.as_ref(), options)? })
    }

    fn holds(&self, agent: &v1::AgentInfo) -> bool {
        let found = self.selector.find(agent);
        match (&self.test, found) {
            (Test::Exists, Found::Absent) => false,
            (Test::Exists, Found::Text(_) | Found::Other) => true,
            (Test::NotExists, Found::Absent) => true,
            (Test::NotExists, Found::Text(_) | Found::Other) => false,
            (Test::Equals(_) | Test::Matches(_), Found::Absent) => false,
            (Test::NotEquals(_) | Test::NotMatches(_), Found::Absent) => true,
            (Test::Equals(wanted), Found::Text(text)) => wanted == text,
            (Test::NotEquals(unwanted), Found::Text(text)) => unwanted != text,
            (Test::Matches(pattern), Found::Text(text)) => pattern.is_match(text),
            (Test::NotMatches(pattern), Found::Text(text)) => !pattern.is_match(text),
            (Test::Equals(_) | Test::NotEquals(_) | Test::Matches(_) | Test::NotMatches(_), Found::Other) => {
                true
            }
        }
    }
}

impl Subject {
    fn find<'a>(&self, agent: &'a v1::AgentInfo) -> Found<'a> {
        let domain = agent.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
        let text = match self {
            Self::Hostname => Some(agent.hostname.as_str()),
            Self::Region => domain.map(|domain| domain.region.name.as_str()),
            Self::Zone => domain.map(|domain| domain.zone.name.as_str()),
            // The first of several attributes of one name counts.
            Self::Attribute(name) => match agent.attributes.iter().find(|known| known.name == *name) {
                Some(attribute) if attribute.r#type() == value::Type::Text => {
                    attribute.text.as_ref().map(|text| text.value.as_str())
                }
                Some(_) => return Found::Other,
                None => None,
            },
        };
        text.map_or(Found::Absent, Found::Text)
    }
}

fn compile_role(
    role: &str,
    groups: &[v1::scheduler::offer_constraints::role_constraints::Group],
    options: &MasterOptions,
) -> Result<Vec<Group>, String> {
    if groups.is_empty() {
        return Err(format!(
            "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role {role}"
        ));
    }
    let mut compiled = Vec::with_capacity(groups.len());
    for group in groups {
        if group.attribute_constraints.is_empty() {
            return Err(format!(
                "'OfferConstraints::RoleConstraints::groups' for role {role}contains an empty \
                 RoleConstraints::Group"
            ));
        }
        let constraints: Result<Group, String> =
            group.attribute_constraints.iter().map(|message| Constraint::new(message, options)).collect();
        compiled.push(
            constraints
                .map_err(|text| format!("A role {role} has an invalid 'AttributeConstraint': {text}"))?,
        );
    }
    Ok(compiled)
}

fn subject(selector: &Selector) -> Result<Subject, String> {
    match &selector.selector {
        Some(Kind::AttributeName(name)) => Ok(Subject::Attribute(name.clone())),
        Some(Kind::PseudoattributeType(number)) => match PseudoattributeType::try_from(*number) {
            Ok(PseudoattributeType::Hostname) => Ok(Subject::Hostname),
            Ok(PseudoattributeType::Region) => Ok(Subject::Region),
            Ok(PseudoattributeType::Zone) => Ok(Subject::Zone),
            Ok(PseudoattributeType::Unknown) | Err(_) => Err("Unknown pseudoattribute type".into()),
        },
        None => Err("Exactly one of 'AttributeConstraint::Selector::name' or \
                     'AttributeConstraint::Selector::pseudoattribute_type' must be set"
            .into()),
    }
}

fn test(predicate: Option<&Predicate>, options: &MasterOptions) -> Result<Test, String> {
    Ok(match predicate {
        Some(Predicate::Exists(_)) => Test::Exists,
        Some(Predicate::NotExists(_)) => Test::NotExists,
        Some(Predicate::TextEquals(test)) => Test::Equals(test.value.clone()),
        Some(Predicate::TextNotEquals(test)) => Test::NotEquals(test.value.clone()),
        Some(Predicate::TextMatches(test)) => Test::Matches(pattern::whole(&test.regex, options)?),
        Some(Predicate::TextNotMatches(test)) => Test::NotMatches(pattern::whole(&test.regex, options)?),
        None => return Err("Unknown predicate type".into()),
    })
}
