//! What the framework is to be: said again in every SUBSCRIBE, because a master forgets what is left out.

use mesos_proto::v1::{
    self,
    framework_info::capability,
    scheduler::{
        Call,
        call::{self, Type},
    },
};

use super::pending::Kind;

/// The content of the next SUBSCRIBE; `framework_info.id` is set as soon as it is known.
#[derive(Debug)]
pub(super) struct Desired(pub(super) call::Subscribe);

impl Desired {
    /// The id, unless it is unset or empty.
    pub(super) fn framework_id(&self) -> Option<&v1::FrameworkId> {
        self.0.framework_info.id.as_ref().filter(|id| !id.value.is_empty())
    }

    pub(super) fn set_framework_id(&mut self, id: Option<v1::FrameworkId>) {
        self.0.framework_info.id = id;
    }

    /// Replaces the description; an id that is known stays.
    pub(super) fn set_framework_info(&mut self, info: v1::FrameworkInfo) {
        let id = self.framework_id().cloned().or(info.id.clone());
        self.0.framework_info = v1::FrameworkInfo { id, ..info };
    }

    /// What a call of the owner changes here, if the master takes it.
    pub(super) fn change_by(&self, call: &Call) -> Kind {
        match call.r#type() {
            Type::UpdateFramework => match &call.update_framework {
                Some(update) => Kind::Update(Box::new(update.clone())),
                None => Kind::Plain,
            },
            Type::Suppress => {
                let roles = call.suppress.as_ref().map_or(&[][..], |suppress| &suppress.roles);
                self.suppressed_with(roles, true)
            }
            Type::Revive => {
                let roles = call.revive.as_ref().map_or(&[][..], |revive| &revive.roles);
                self.suppressed_with(roles, false)
            }
            Type::Unknown
            | Type::Subscribe
            | Type::Teardown
            | Type::Accept
            | Type::Decline
            | Type::AcceptInverseOffers
            | Type::DeclineInverseOffers
            | Type::Kill
            | Type::Shutdown
            | Type::Acknowledge
            | Type::AcknowledgeOperationStatus
            | Type::Reconcile
            | Type::ReconcileOperations
            | Type::Message
            | Type::Request => Kind::Plain,
        }
    }

    /// SUPPRESS or REVIVE of these roles, of all if there are none. A master drops the whole call if one
    /// of the roles is not the framework's.
    fn suppressed_with(&self, roles: &[String], is_suppressed: bool) -> Kind {
        let own = self.roles();
        if roles.iter().any(|role| !own.contains(role)) {
            return Kind::Plain;
        }
        let roles = if roles.is_empty() { own } else { roles.to_vec() };
        Kind::Suppression { roles, is_suppressed }
    }

    /// Carries a change out.
    pub(super) fn apply(&mut self, kind: Kind) {
        match kind {
            Kind::Plain | Kind::Teardown => {}
            Kind::Update(update) => {
                self.0.suppressed_roles = update.suppressed_roles;
                self.0.offer_constraints = update.offer_constraints;
                self.set_framework_info(update.framework_info);
            }
            Kind::Suppression { roles, is_suppressed } => {
                self.0.suppressed_roles.retain(|role| !roles.contains(role));
                if is_suppressed {
                    self.0.suppressed_roles.extend(roles);
                }
            }
        }
    }

    /// The roles that offers are made for.
    #[expect(deprecated, reason = "frameworks without MULTI_ROLE have no other field")]
    fn roles(&self) -> Vec<String> {
        let info = &self.0.framework_info;
        let multi_role = capability::Type::MultiRole;
        if info.capabilities.iter().any(|capability| capability.r#type() == multi_role) {
            info.roles.clone()
        } else {
            vec![info.role.clone().unwrap_or_else(|| "*".to_owned())]
        }
    }
}
