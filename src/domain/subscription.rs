//! A subscription: a schedule that places an order in every period, and what is ordered.
//!
//! ```text
//! active ─pause─► paused ─resume─► active        either ─cancel─► cancelled
//!    each period: ─placed─► the next · ─failed─► tried again, up to so often, then ─skipped─► the next
//! ```
//! A period's instant is counted from the schedule's first, never from the one before: what begins on the 31st comes at
//! the end of every month. Periods that pass while it is paused are not made up for. All of it is civil time in UTC.
//!
//! What is *not* here: the order. It is captured by the record that notes its period, so there is one for each.

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, Span, Unit};
use serde::{Deserialize, Serialize};

use super::ids::{OrderKey, SkuIndex, SubscriptionKey, Text};
use super::money::Currency;
use super::order::{Destination, Payment, Sealed};
use super::record::Header;
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};

/// How long a period is; at least one of the two is above zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Every {
    /// Calendar months.
    pub months: u32,
    /// Seconds, days of 24 hours.
    pub seconds: u64,
}

/// Shortest period.
pub const PERIOD_SECONDS_MIN: u64 = 60 * 60;
/// Longest period.
pub const PERIOD_MONTHS_MAX: u32 = 120;
const PERIOD_SECONDS_MAX: u64 = 3_700 * DAY_S;
const DAY_S: u64 = 24 * 60 * 60;

impl Every {
    /// Reads an ISO 8601 duration in whole years, months, weeks, days, hours, minutes and seconds; `None` when it is
    /// none, or out of range.
    pub fn parse(text: &str) -> Option<Self> {
        let span: Span = text.parse().ok()?;
        if span.is_negative() || span.get_milliseconds() + span.get_microseconds() + span.get_nanoseconds() != 0 {
            return None;
        }
        let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let hours = i64::from(span.get_hours());
        let seconds = (days * 24 + hours).checked_mul(3_600)?;
        let seconds = seconds.checked_add(span.get_minutes().checked_mul(60)?)?.checked_add(span.get_seconds())?;
        let every = Self { months: months.try_into().ok()?, seconds: seconds.try_into().ok()? };
        let long_enough = every.months > 0 || every.seconds >= PERIOD_SECONDS_MIN;
        let short_enough = every.months <= PERIOD_MONTHS_MAX && every.seconds <= PERIOD_SECONDS_MAX;
        (long_enough && short_enough).then_some(every)
    }

    /// The instant that lies so many periods after a first one; `None` beyond the end of the calendar.
    pub fn after(self, first: WallTime, periods: u32) -> Option<WallTime> {
        let months = i64::from(self.months).checked_mul(i64::from(periods))?;
        let seconds = i64::try_from(self.seconds.checked_mul(u64::from(periods))?).ok()?;
        let begun = civil(first)?.checked_add(Span::new().try_months(months).ok()?).ok()?;
        wall(begun.checked_add(SignedDuration::from_secs(seconds)).ok()?)
    }
}

impl std::fmt::Display for Every {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P")?;
        let (years, months) = (self.months / 12, self.months % 12);
        let (days, rest) = (self.seconds / DAY_S, self.seconds % DAY_S);
        for (count, unit) in [(u64::from(years), 'Y'), (u64::from(months), 'M'), (days, 'D')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        if rest > 0 {
            write!(f, "T")?;
        }
        for (count, unit) in [(rest / 3_600, 'H'), (rest / 60 % 60, 'M'), (rest % 60, 'S')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

fn civil(time: WallTime) -> Option<DateTime> {
    epoch().checked_add(SignedDuration::from_millis(time.0)).ok()
}

fn wall(time: DateTime) -> Option<WallTime> {
    let since = epoch().until((Unit::Second, time)).ok()?;
    let seconds = since.get_seconds().checked_mul(1_000)?;
    Some(WallTime(seconds + since.get_milliseconds()))
}

/// What becomes of a period whose order cannot be had whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum WhenShort {
    /// It is placed, and what is short waits.
    Backorder,
    /// It counts as failed: it is tried again, then skipped.
    Retry,
}

/// One line of every order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubscribedLine {
    /// Its id within the order.
    pub id: Text,
    /// What.
    pub sku: SkuIndex,
    /// How many.
    pub quantity: u32,
    /// Price of one, minor units of the currency.
    pub unit_price: i64,
    /// Position of its destination.
    pub group: u16,
}

/// What is ordered, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubscriptionTerms {
    /// Fingerprint of the request that put them.
    pub fingerprint: u64,
    /// Channel the orders come from.
    pub channel: Text,
    /// Customer's id.
    pub customer: Text,
    /// Customer's name, mail and the like.
    pub personal: Sealed,
    /// Currency of the prices.
    pub currency: Currency,
    /// Destinations: the orders' own first, then one per group.
    pub destinations: Vec<Destination>,
    /// Lines.
    pub lines: Vec<SubscribedLine>,
    /// How they are to be delivered.
    pub delivery_method: Text,
    /// Rule set asked for.
    pub rule_set: Option<Text>,
    /// Payment as reported with every order.
    pub payment: Option<Payment>,
    /// How long a period is.
    pub every: Every,
    /// The first instant of the schedule.
    pub first_at: WallTime,
    /// What becomes of an order that cannot be had whole.
    pub when_short: WhenShort,
}

/// Where a subscription stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// It places orders.
    Active,
    /// It places none for now.
    Paused,
    /// It places none any more.
    Cancelled,
}

impl SubscriptionState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }

    /// What can be done now, beside putting it anew, which what is not cancelled can always be.
    pub fn legal(self) -> &'static [&'static str] {
        match self {
            Self::Active => &["pause", "skip", "cancel"],
            Self::Paused => &["resume", "skip", "cancel"],
            Self::Cancelled => &[],
        }
    }
}

/// Why a period's order was not placed when it was due.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// How often it was tried.
    pub attempts: u32,
    /// Stable code.
    pub code: Text,
    /// In words.
    pub detail: Text,
    /// When it is tried again.
    pub retry_at: WallTime,
}

/// What happened to a subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SubscriptionEvent {
    /// It was made, or its terms were replaced: the schedule begins anew.
    Put {
        /// The caller's id.
        id: Text,
        /// What, and when.
        terms: Box<SubscriptionTerms>,
    },
    /// The order of a period was captured, by the same record.
    Placed {
        /// Number of the period, from 1.
        number: u32,
        /// The order.
        order: OrderKey,
    },
    /// The order of a period could not be placed; it will be tried again.
    Failed {
        /// Number of the period.
        number: u32,
        /// Stable code.
        code: Text,
        /// In words.
        detail: Text,
        /// When it is tried again.
        retry_at: WallTime,
    },
    /// A period goes without an order.
    Skipped {
        /// Number of the period.
        number: u32,
        /// Why.
        reason: Text,
    },
    /// No orders for now.
    Paused {
        /// Why.
        reason: Option<Text>,
    },
    /// It goes on.
    Resumed {
        /// Periods that passed meanwhile.
        passed: u32,
    },
    /// No orders any more.
    Cancelled {
        /// Why.
        reason: Option<Text>,
    },
}

/// A subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Subscription {
    /// Its generated number.
    pub key: SubscriptionKey,
    /// The caller's id.
    pub id: Text,
    /// What is ordered, and when.
    pub terms: SubscriptionTerms,
    /// Where it stands.
    pub state: SubscriptionState,
    /// Number of the next period, from 1; never used twice.
    pub number: u32,
    /// Periods since the schedule's first instant.
    pub periods: u32,
    /// Why the next period's order was not placed yet.
    pub failure: Option<Failure>,
    /// The last period without an order, and why.
    pub skipped: Option<(u32, Text)>,
    /// The last order.
    pub last_order: Option<OrderKey>,
    /// When it was made.
    pub made_at: JournalTime,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
}

impl Subscription {
    /// When the next period begins; `None` when it places no more orders.
    pub fn next_at(&self) -> Option<WallTime> {
        let comes = self.state != SubscriptionState::Cancelled;
        comes.then(|| self.terms.every.after(self.terms.first_at, self.periods)).flatten()
    }

    /// Whether the order of the next period failed, or the period before it has none, and there will be others.
    pub fn lacks_an_order(&self) -> bool {
        let skipped = self.skipped.as_ref().is_some_and(|(number, _)| number + 1 == self.number);
        self.state != SubscriptionState::Cancelled && (self.failure.is_some() || skipped)
    }

    /// When there is something to do; `None` when there is nothing.
    pub fn due_at(&self) -> Option<WallTime> {
        let begins = self.next_at().filter(|_| self.state == SubscriptionState::Active)?;
        Some(self.failure.as_ref().map_or(begins, |failure| failure.retry_at))
    }

    /// The id of the order of a period.
    pub fn order_id(&self, number: u32) -> String {
        format!("{}:{number}", self.id)
    }

    /// Periods that have passed at an instant, counted from the next.
    pub fn passed_at(&self, now: WallTime) -> u32 {
        let begins = |passed: u32| self.terms.every.after(self.terms.first_at, self.periods.saturating_add(passed));
        let is_past = |passed: u32| begins(passed).is_some_and(|at| at < now);
        // Periods ascend: double until one is to come, then halve.
        let (mut low, mut high) = (0, 1);
        if !is_past(0) {
            return 0;
        }
        while is_past(high) {
            (low, high) = (high, high * 2);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_past(middle) { low = middle } else { high = middle }
        }
        high
    }

    /// The next state of a subscription.
    pub fn fold(
        before: Option<Self>,
        key: SubscriptionKey,
        version: u32,
        header: &Header,
        event: &SubscriptionEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |subscription| subscription.version + 1);
        if version != expected {
            return Err(LawBroken(format!("subscription {key}: version {version} follows {}", expected - 1)));
        }
        let mut subscription = match (before, event) {
            (None, SubscriptionEvent::Put { id, terms }) => Self {
                key,
                id: id.clone(),
                terms: (**terms).clone(),
                state: SubscriptionState::Active,
                number: 1,
                periods: 0,
                failure: None,
                skipped: None,
                last_order: None,
                made_at: header.time,
                version: 0,
                seq: 0,
            },
            (Some(subscription), event) if subscription.state != SubscriptionState::Cancelled => {
                subscription.after(event)?
            }
            (before, event) => {
                return Err(LawBroken(format!("subscription {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        subscription.version = version;
        subscription.seq = header.seq;
        Ok(subscription)
    }

    fn after(mut self, event: &SubscriptionEvent) -> Result<Self, LawBroken> {
        match event {
            SubscriptionEvent::Put { terms, .. } => {
                self.terms = (**terms).clone();
                (self.periods, self.failure) = (0, None);
            }
            SubscriptionEvent::Placed { number, order } => {
                self.end_period(*number)?;
                self.last_order = Some(*order);
            }
            SubscriptionEvent::Skipped { number, reason } => {
                self.end_period(*number)?;
                self.skipped = Some((*number, reason.clone()));
            }
            SubscriptionEvent::Failed { number, code, detail, retry_at } => {
                self.check_number(*number)?;
                let attempts = self.failure.map_or(0, |failure| failure.attempts) + 1;
                let (code, detail, retry_at) = (code.clone(), detail.clone(), *retry_at);
                self.failure = Some(Failure { attempts, code, detail, retry_at });
            }
            SubscriptionEvent::Paused { .. } => self.state = SubscriptionState::Paused,
            SubscriptionEvent::Resumed { passed } => {
                self.state = SubscriptionState::Active;
                self.periods = self.periods.saturating_add(*passed);
                if *passed > 0 {
                    self.failure = None;
                }
            }
            SubscriptionEvent::Cancelled { .. } => self.state = SubscriptionState::Cancelled,
        }
        Ok(self)
    }

    fn check_number(&self, number: u32) -> Result<(), LawBroken> {
        if number == self.number {
            return Ok(());
        }
        Err(LawBroken(format!("subscription {}: period {number} is not the next, {}", self.key, self.number)))
    }

    fn end_period(&mut self, number: u32) -> Result<(), LawBroken> {
        self.check_number(number)?;
        (self.number, self.periods, self.failure) = (self.number + 1, self.periods.saturating_add(1), None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> WallTime {
        wall(text.parse().expect("a civil time")).expect("in the calendar")
    }

    #[test]
    fn a_period_reads_back_and_is_bounded() {
        for (text, again) in [("P1M", "P1M"), ("P1Y", "P1Y"), ("P14M", "P1Y2M"), ("P2W", "P14D"), ("PT36H", "P1DT12H")]
        {
            let every = Every::parse(text).unwrap_or_else(|| panic!("{text} is a period"));
            assert_eq!(every.to_string(), again);
            assert_eq!(Every::parse(again), Some(every));
        }
        for text in ["", "P0D", "-P1M", "PT59M", "P11Y", "P4000D", "PT3600.5S", "1M", "P1X"] {
            assert_eq!(Every::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_begins_at_the_end_of_a_month_stays_there() {
        let every = Every::parse("P1M").expect("a month");
        let first = at("2027-12-31T09:30:00.250");
        let days = ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"];
        for (periods, day) in (0..).zip(days) {
            assert_eq!(every.after(first, periods), Some(at(&format!("{day}T09:30:00.250"))));
        }
        assert_eq!(Every::parse("P1W").and_then(|week| week.after(first, 3)), Some(at("2028-01-21T09:30:00.250")));
        assert_eq!(every.after(first, u32::MAX), None, "beyond the calendar");
        assert_eq!(every.after(WallTime(i64::MAX), 1), None);
    }
}
