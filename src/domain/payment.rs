//! Payment: what is reported of an order's money, and the state read off it. No step is decided here: what must be paid
//! before what is the business of holds, and of the channel an order came from.
//!
//! Amounts are minor units of the order's currency. What is due is the total reported at capture, or the sum of the
//! prices, less the price of what was cancelled. A failure voids what was authorised before it, up to its amount.

use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::time::JournalTime;

/// What was reported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum PaymentMark {
    /// The money can be taken.
    Authorized,
    /// It was taken.
    Paid,
    /// It could not be taken; so much of what was authorised is void.
    Failed,
    /// It was given back.
    Refunded,
    /// It went with units to an order that was split off: first what was authorised, then what was taken. Told by the
    /// engine alone.
    Moved,
    /// It was taken, and went to the other order of an exchange: to that of what the customer gets instead, or back from
    /// there. Told by the engine alone.
    Exchanged,
    /// It came from the other order of an exchange. Told by the engine alone.
    Credited,
}

impl PaymentMark {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::Moved => "moved",
            Self::Exchanged => "exchanged",
            Self::Credited => "credited",
        }
    }

    /// Whether the engine alone tells it.
    pub fn is_told_by_the_engine(self) -> bool {
        matches!(self, Self::Moved | Self::Exchanged | Self::Credited)
    }

    /// Whether money is there with it that was not before.
    pub fn brings(self) -> bool {
        matches!(self, Self::Paid | Self::Credited)
    }

    /// What a payment status reported at capture says of all that is due, where it is a word that is known.
    pub fn at_capture(status: &str) -> Option<Self> {
        [Self::Authorized, Self::Paid].into_iter().find(|mark| mark.word() == status)
    }

    /// Whether who waits for `awaited` of some money has it with this.
    pub fn includes(self, awaited: Self) -> bool {
        self == awaited || self == Self::Paid && awaited == Self::Authorized
    }
}

/// One report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentFact {
    /// What.
    pub mark: PaymentMark,
    /// How much.
    pub amount: i64,
    /// When it was reported.
    pub at: JournalTime,
    /// By whom.
    pub actor: Text,
}

/// How an order's money stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the states")]
pub enum PaymentState {
    None,
    Authorized,
    PartiallyPaid,
    Paid,
    PartiallyRefunded,
    Refunded,
    Overcharged,
    Voided,
}

impl PaymentState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Authorized => "authorized",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Overcharged => "overcharged",
            Self::Voided => "voided",
        }
    }
}

/// Sums over an order's reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Paid {
    /// Authorised, and neither taken nor void.
    pub authorized: i64,
    /// Taken, and not moved away.
    pub paid: i64,
    /// Given back.
    pub refunded: i64,
    /// Taken, and moved away.
    pub moved: i64,
    /// Taken, and gone to the other order of an exchange, less what came from there.
    pub exchanged: i64,
    /// Whether something was authorised and is void.
    pub voided: bool,
}

impl Paid {
    /// The sums of reports in their order.
    pub fn of(facts: &[PaymentFact]) -> Self {
        facts.iter().fold(Self::default(), Self::with)
    }

    /// The sums with a further report.
    #[must_use]
    pub fn with(self, fact: &PaymentFact) -> Self {
        match fact.mark {
            PaymentMark::Authorized => Self { authorized: self.authorized.saturating_add(fact.amount), ..self },
            PaymentMark::Paid => Self {
                authorized: (self.authorized - fact.amount).max(0),
                paid: self.paid.saturating_add(fact.amount),
                ..self
            },
            PaymentMark::Failed => Self {
                authorized: (self.authorized - fact.amount).max(0),
                voided: self.voided || self.authorized > 0,
                ..self
            },
            PaymentMark::Refunded => Self { refunded: self.refunded.saturating_add(fact.amount), ..self },
            PaymentMark::Moved => {
                let authorized = self.authorized.min(fact.amount);
                let moved = fact.amount - authorized;
                Self {
                    authorized: self.authorized - authorized,
                    paid: self.paid - moved,
                    moved: self.moved.saturating_add(moved),
                    ..self
                }
            }
            PaymentMark::Exchanged => self.with_exchanged(fact.amount),
            PaymentMark::Credited => self.with_exchanged(-fact.amount),
        }
    }

    fn with_exchanged(self, amount: i64) -> Self {
        let (paid, exchanged) = (self.paid.saturating_sub(amount), self.exchanged.saturating_add(amount));
        Self { paid, exchanged, ..self }
    }

    /// The reports of an order that is merged into another, so that both together have what each had: as they were, or
    /// their sums where money taken for one would count against what is authorised for the other.
    pub fn joined(own: &[PaymentFact], its: &[PaymentFact]) -> Vec<PaymentFact> {
        let (before, came) = (Self::of(own), Self::of(its));
        let after = its.iter().fold(before, Self::with);
        let amounts = |sums: Self| [sums.authorized, sums.paid, sums.refunded];
        let wanted = |at: usize| amounts(before)[at].saturating_add(amounts(came)[at]);
        let (Some(last), false) = (its.last(), (0..3).all(|at| amounts(after)[at] == wanted(at))) else {
            return its.to_vec();
        };
        let authorized = wanted(0) - (before.authorized - came.paid).max(0);
        let sums = [
            (PaymentMark::Paid, came.paid),
            (PaymentMark::Refunded, came.refunded),
            (PaymentMark::Authorized, authorized),
        ];
        let fact = |(mark, amount)| PaymentFact { mark, amount, ..last.clone() };
        sums.into_iter().filter(|(_, amount)| *amount > 0).map(fact).collect()
    }

    /// What was taken and not given back.
    pub fn kept(&self) -> i64 {
        self.paid - self.refunded
    }

    /// Whether all that is due is authorised or taken, or taken.
    pub fn covers(&self, due: i64, mark: PaymentMark) -> bool {
        self.missing(due, mark) <= 0
    }

    /// How much of what is due is not authorised or taken yet, or not taken.
    pub fn missing(&self, due: i64, mark: PaymentMark) -> i64 {
        match mark {
            PaymentMark::Paid => due.saturating_sub(self.kept()),
            _ => due.saturating_sub(self.authorized.saturating_add(self.kept())),
        }
    }

    /// The state, by the first rule that holds. What paid for something else was not given back.
    pub fn state(&self, due: i64) -> PaymentState {
        match self {
            _ if self.kept() > due => PaymentState::Overcharged,
            _ if self.refunded > 0 && self.kept() == 0 && self.exchanged <= 0 => PaymentState::Refunded,
            _ if self.refunded > 0 => PaymentState::PartiallyRefunded,
            _ if self.paid.max(self.exchanged) > 0 && self.paid >= due => PaymentState::Paid,
            _ if self.paid.max(self.exchanged) > 0 => PaymentState::PartiallyPaid,
            _ if self.authorized > 0 && due > 0 => PaymentState::Authorized,
            _ if self.authorized > 0 || self.voided => PaymentState::Voided,
            _ => PaymentState::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Report = (PaymentMark, i64);

    const PARTIAL: PaymentState = PaymentState::PartiallyRefunded;

    /// Reports, what is due, and the state they lead to.
    const STATES: &[(&[Report], i64, PaymentState)] = &[
        (&[], 100, PaymentState::None),
        (&[(PaymentMark::Failed, 100)], 100, PaymentState::None),
        (&[(PaymentMark::Authorized, 100)], 100, PaymentState::Authorized),
        (&[(PaymentMark::Authorized, 100), (PaymentMark::Failed, 100)], 100, PaymentState::Voided),
        (
            &[(PaymentMark::Authorized, 60), (PaymentMark::Authorized, 40), (PaymentMark::Failed, 40)],
            100,
            PaymentState::Authorized,
        ),
        (&[(PaymentMark::Authorized, 100)], 0, PaymentState::Voided),
        (&[(PaymentMark::Authorized, 100), (PaymentMark::Paid, 40)], 100, PaymentState::PartiallyPaid),
        (&[(PaymentMark::Paid, 60), (PaymentMark::Paid, 40)], 100, PaymentState::Paid),
        (&[(PaymentMark::Paid, 100)], 80, PaymentState::Overcharged),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Refunded, 20)], 80, PaymentState::PartiallyRefunded),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Moved, 40)], 60, PaymentState::Paid),
        (&[(PaymentMark::Authorized, 100), (PaymentMark::Moved, 40)], 60, PaymentState::Authorized),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Refunded, 100)], 0, PaymentState::Refunded),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Exchanged, 40), (PaymentMark::Refunded, 60)], 0, PARTIAL),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Moved, 40), (PaymentMark::Refunded, 60)], 0, PaymentState::Refunded),
        (&[(PaymentMark::Credited, 60)], 100, PaymentState::PartiallyPaid),
        (&[(PaymentMark::Credited, 60), (PaymentMark::Paid, 40)], 100, PaymentState::Paid),
        (&[(PaymentMark::Paid, 100), (PaymentMark::Refunded, 100)], 100, PaymentState::Refunded),
    ];

    fn facts(reports: &[Report]) -> Vec<PaymentFact> {
        let fact = |&(mark, amount): &Report| PaymentFact { mark, amount, at: JournalTime(0), actor: "channel".into() };
        reports.iter().map(fact).collect()
    }

    #[test]
    fn the_state_follows_from_the_reports_and_what_is_due() {
        for (reports, due, state) in STATES {
            assert_eq!(Paid::of(&facts(reports)).state(*due), *state, "{reports:?}, {due} due");
        }
    }

    #[test]
    fn two_orders_that_become_one_have_the_money_of_both() {
        use PaymentMark::{Authorized, Credited, Exchanged, Failed, Moved, Paid as Taken, Refunded};
        let stories: &[&[Report]] = &[
            &[],
            &[(Authorized, 100)],
            &[(Authorized, 50), (Failed, 50)],
            &[(Taken, 30)],
            &[(Authorized, 70), (Taken, 30)],
            &[(Taken, 80), (Refunded, 20), (Authorized, 10)],
            &[(Authorized, 60), (Taken, 60), (Moved, 40)],
            &[(Authorized, 60), (Taken, 60), (Exchanged, 40), (Credited, 10)],
        ];
        for own in stories {
            for its in stories {
                let (own, its) = (facts(own), facts(its));
                let joined = Paid::joined(&own, &its);
                let sums = Paid::of(&[own.clone(), joined.clone()].concat());
                let both = [Paid::of(&own), Paid::of(&its)];
                let wanted = |of: fn(&Paid) -> i64| both.iter().map(of).sum::<i64>();
                assert_eq!(sums.authorized, wanted(|sums| sums.authorized), "{own:?} and {its:?}: {joined:?}");
                assert_eq!(sums.kept(), wanted(Paid::kept), "{own:?} and {its:?}: {joined:?}");
                assert_eq!(sums.refunded, wanted(|sums| sums.refunded), "{own:?} and {its:?}: {joined:?}");
            }
        }
    }
}
