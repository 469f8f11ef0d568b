//! Offers: declined, filtered, suppressed, revived.

use mesos_proto::v1;

use crate::{
    scheduler::{Scheduler, accepted},
    target::Target,
};

/// Far longer than a scenario takes.
const LONG: f64 = 3600.0;

/// So many rounds of offers to somebody else show that nothing comes to the one who should get nothing.
const ROUNDS: usize = 3;

pub(crate) async fn offers_that_are_declined_come_again(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "declined").await;
    let first = scheduler.offer("an offer").await;
    scheduler.decline("decline it", std::slice::from_ref(&first), 0.0).await;
    let same_agent = |event: &v1::scheduler::Event| {
        let offers = &event.offers.as_ref()?.offers;
        offers.iter().find(|offer| offer.agent_id == first.agent_id).cloned()
    };
    let expected = format!("an offer of agent '{}'", first.agent_id);
    let second = scheduler.wait("it comes again", &expected, same_agent).await;
    assert_ne!(second.id, first.id, "step 'it comes again': each offer has an id of its own");
    scheduler.teardown().await;
}

pub(crate) async fn a_filter_holds_until_revive(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "filter").await;
    let refused = scheduler.offer("an offer").await;
    scheduler.decline("refuse it", std::slice::from_ref(&refused), LONG).await;

    let mut other = Scheduler::subscribe(target, "filter, witness").await;
    for _ in 0..ROUNDS {
        let offer = other.offer("others get offers").await;
        other.decline("others get offers", &[offer], 0.0).await;
    }
    other.teardown().await;
    let is_refused =
        |offer: &&v1::Offer| offer.agent_id == refused.agent_id && offer.resources == refused.resources;
    // An agent that has more than it had is offered in spite of the filter, which is not looked at here.
    while let Some(event) = scheduler.present("the filter holds").await {
        let offers = event.offers.unwrap_or_default().offers;
        let found = offers.iter().find(is_refused);
        assert!(found.is_none(), "step 'the filter holds': expected no such offer, seen: {found:?}");
        scheduler.decline("the filter holds", &offers, LONG).await;
    }

    accepted("revive", "REVIVE", scheduler.client.revive(Vec::new())).await;
    let expected = format!("an offer of agent '{}'", refused.agent_id);
    scheduler
        .wait("revive clears the filter", &expected, |event| {
            let offers = &event.offers.as_ref()?.offers;
            offers.iter().any(|offer| offer.agent_id == refused.agent_id).then_some(())
        })
        .await;
    scheduler.teardown().await;
}

pub(crate) async fn a_suppressed_framework_gets_nothing_until_revive(target: &Target) {
    let mut scheduler = Scheduler::subscribe(target, "suppressed").await;
    let role = vec![target.role().to_owned()];
    let held = scheduler.offer("an offer").await;
    accepted("suppress", "SUPPRESS", scheduler.client.suppress(role.clone())).await;
    scheduler.decline("give the offer back", &[held], 0.0).await;

    let mut other = Scheduler::subscribe(target, "suppressed, witness").await;
    for round in 0..=ROUNDS {
        let offer = other.offer("others get offers").await;
        other.decline("others get offers", &[offer], 0.0).await;
        if round == 0 {
            // What the allocator had decided before it heard of the call.
            while let Some(event) = scheduler.present("suppress").await {
                let offers = event.offers.unwrap_or_default().offers;
                scheduler.decline("suppress", &offers, 0.0).await;
            }
        }
    }
    other.teardown().await;
    let seen = scheduler.present("suppressed").await;
    assert!(seen.is_none(), "step 'suppressed': expected no event, seen: {seen:?}");

    accepted("revive", "REVIVE", scheduler.client.revive(role)).await;
    scheduler.offer("offers come again").await;
    scheduler.teardown().await;
}
