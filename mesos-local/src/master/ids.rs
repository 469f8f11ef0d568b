//! Ids and uuids out of a seed.

use bytes::Bytes;
use mesos_proto::v1;

use crate::uuids::Uuids;

/// Everything the master names: same seed, same names.
#[derive(Debug)]
pub(super) struct Ids {
    uuids: Uuids,
    master: String,
    frameworks: u64,
    agents: u64,
    offers: u64,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        let mut uuids = Uuids::new(seed);
        let master = uuids.text();
        Self { uuids, master, frameworks: 0, agents: 0, offers: 0 }
    }

    /// The id of this master, prefix of every other id that it gives.
    pub(super) fn master(&self) -> &str {
        &self.master
    }

    pub(super) fn framework(&mut self) -> String {
        let id = format!("{}-{:04}", self.master, self.frameworks);
        self.frameworks += 1;
        id
    }

    pub(super) fn agent(&mut self) -> v1::AgentId {
        let id = format!("{}-S{}", self.master, self.agents);
        self.agents += 1;
        v1::AgentId::new(id)
    }

    /// The number of a new offer; its id is [`Self::offer_id`].
    pub(super) fn offer(&mut self) -> u64 {
        let number = self.offers;
        self.offers += 1;
        number
    }

    pub(super) fn offer_id(&self, number: u64) -> v1::OfferId {
        v1::OfferId::new(format!("{}-O{number}", self.master))
    }

    /// The number in an id of an offer; `None` for texts that this master never gave.
    pub(super) fn offer_number(&self, id: &v1::OfferId) -> Option<u64> {
        let number = id.value.strip_prefix(&self.master)?.strip_prefix("-O")?.parse().ok()?;
        (self.offer_id(number) == *id).then_some(number)
    }

    /// 16 bytes of a version 4 uuid.
    pub(super) fn uuid(&mut self) -> Bytes {
        self.uuids.bytes()
    }

    /// The same as text.
    pub(super) fn uuid_text(&mut self) -> String {
        self.uuids.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_in_their_own_spelling_are_offers() {
        let mut ids = Ids::new(1);
        let number = ids.offer();
        let id = ids.offer_id(number);
        assert_eq!(ids.offer_number(&id), Some(0));
        for wrong in ["O0", "", &format!("{}-O00", ids.master()), &format!("{}-O+0", ids.master())] {
            assert_eq!(ids.offer_number(&v1::OfferId::new(wrong)), None, "{wrong}");
        }
    }
}
