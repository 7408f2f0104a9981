//! An order's money: what is due, what was reported of it, and which holds end with it. Amounts are minor units of the
//! order's currency. What is *not* here: the state that sums of reports lead to (`payment`).

use super::decision::LineUnits;
use super::edit::{Edit, EditState};
use super::hold::{Hold, HoldState};
use super::ids::Text;
use super::order::{Order, OrderEvent, OrderLine};
use super::payment::{Paid, PaymentFact, PaymentMark, PaymentState};
use super::time::JournalTime;

impl Order {
    /// What its customer owes in all, minor units of its currency.
    pub fn due(&self) -> i64 {
        self.owed_less(|line| line.cancelled)
    }

    /// What of it is for units that are not back: what came back, or was made good where it is, need not be paid for, or was
    /// paid for and its money went where it belongs.
    pub fn due_for_what_stays(&self) -> i64 {
        self.due().saturating_sub(self.worth_of_returns()).max(0)
    }

    fn worth_of_returns(&self) -> i64 {
        if self.returns.is_empty() {
            return 0;
        }
        let back = |line: u16| {
            let own = self.overlay(line);
            self.worth(LineUnits { line, quantity: own.received.saturating_add(own.written_off) })
        };
        (0..self.lines.len() as u16).map(back).fold(0, i64::saturating_add)
    }

    /// The same, below zero where a discount was larger than what is left of the order.
    pub(super) fn balance(&self) -> i128 {
        self.balance_less(|line| line.cancelled)
    }

    /// What was owed at capture, less the price of some units of each line.
    fn owed_less(&self, units: fn(&OrderLine) -> u32) -> i64 {
        i64::try_from(self.balance_less(units).max(0)).unwrap_or(i64::MAX)
    }

    fn balance_less(&self, units: fn(&OrderLine) -> u32) -> i128 {
        let price = |units: fn(&OrderLine) -> u32| -> i128 {
            self.lines.iter().map(|line| i128::from(line.placed.unit_price) * i128::from(units(line))).sum()
        };
        let reported = |total: i64| i128::from(total) + i128::from(self.repriced);
        let whole = self.facts.total.map_or_else(|| price(|line| line.placed.quantity), reported);
        whole - price(units)
    }

    /// The ends of holds that wait for money, where these sums cover what will be due.
    pub fn paid_off(&self, sums: &Paid, due: i64) -> Vec<OrderEvent> {
        let waits = |hold: &&Hold| {
            hold.state == HoldState::Active && hold.terms.release_on.is_some_and(|mark| sums.covers(due, mark))
        };
        let end =
            |hold: &Hold| OrderEvent::HoldEnded { number: hold.number, state: HoldState::AutoReleased, reason: None };
        self.holds.iter().filter(waits).map(end).collect()
    }

    /// The same, when units of its lines are cancelled. With the last open unit all its holds end: there is nothing left
    /// that they could forbid.
    pub fn paid_off_without(&self, cancelled: impl IntoIterator<Item = LineUnits>) -> Vec<OrderEvent> {
        if self.holds.is_empty() {
            return Vec::new();
        }
        let cancelled: Vec<LineUnits> = cancelled.into_iter().collect();
        let totals = self.totals();
        let can_be_held = totals.open() - u64::from(totals.shipped);
        if cancelled.iter().map(|units| u64::from(units.quantity)).sum::<u64>() == can_be_held {
            let active = self.holds.iter().filter(|hold| hold.state == HoldState::Active);
            return active
                .map(|hold| OrderEvent::HoldEnded { number: hold.number, state: HoldState::AutoReleased, reason: None })
                .collect();
        }
        let less: i128 = cancelled.into_iter().map(|units| self.price_of(units)).sum();
        self.paid_off(&Paid::of(&self.payments), self.stays_with(-less))
    }

    /// The same, when so much more is owed, or less.
    pub fn paid_off_with(&self, difference: i64) -> Vec<OrderEvent> {
        self.paid_off(&Paid::of(&self.payments), self.stays_with(i128::from(difference)))
    }

    /// What of its money goes with units that become an order of their own, taken and authorised: the price of the units, as
    /// far as money is there beyond what is due for the rest. What was authorised goes first.
    pub fn money_of(&self, units: impl IntoIterator<Item = LineUnits>) -> (i64, i64) {
        let price: i128 = units.into_iter().map(|u| self.price_of(u)).sum();
        let sums = Paid::of(&self.payments);
        let beyond = i128::from(sums.authorized) + i128::from(sums.kept()) - i128::from(self.due_with(-price));
        let goes = i64::try_from(price.min(beyond).max(0)).unwrap_or(i64::MAX);
        let authorized = goes.min(sums.authorized);
        (goes - authorized, authorized)
    }

    /// The price of units of a line.
    pub fn price_of(&self, units: LineUnits) -> i128 {
        i128::from(self.lines[usize::from(units.line)].placed.unit_price) * i128::from(units.quantity)
    }

    /// What will be due when so much more is owed, or less.
    pub fn due_with(&self, difference: i128) -> i64 {
        (i128::from(self.due()) + difference).clamp(0, i128::from(i64::MAX)) as i64
    }

    fn stays_with(&self, difference: i128) -> i64 {
        self.due_with(difference).saturating_sub(self.worth_of_returns()).max(0)
    }

    /// The price of all its lines, cancelled units included.
    pub fn price_of_lines(&self) -> i128 {
        self.lines.iter().map(|line| i128::from(line.placed.unit_price) * i128::from(line.placed.quantity)).sum()
    }

    /// How its money stands.
    pub fn payment_state(&self) -> PaymentState {
        let sums = Paid::of(&self.payments);
        // What paid for what is got instead, before or after anything came back, and what went to another order with what
        // came back, is not missing here.
        let there = sums.kept().saturating_add(sums.authorized);
        let due = self.due().saturating_sub(sums.exchanged.max(0)).max(0);
        let due = due.min(there.max(self.due_for_what_stays()));
        match sums.state(due) {
            PaymentState::None if due == 0 && self.due() > 0 && sums.moved > 0 => PaymentState::Paid,
            state => state,
        }
    }

    /// Whether all that was due was authorized or taken at some time, whatever was given back, added or void since. What an
    /// order owed before others were merged into it is not known: of such a one any money will do.
    pub fn was_covered(&self) -> bool {
        let took_others_in = self.particulars.as_ref().is_some_and(|own| !own.merged.is_empty());
        let mut sums = Paid::default();
        let mut covers = |fact: &PaymentFact| {
            sums = sums.with(fact);
            let has_money = sums.covers(1, PaymentMark::Authorized);
            let due = self.due_with(-self.edited_up_since(fact.at));
            has_money && (took_others_in || sums.covers(due, PaymentMark::Authorized))
        };
        let is_free = || i128::from(self.owed_less(|_| 0)) <= self.edited_up_since(self.received_at);
        self.payments.iter().any(&mut covers) || sums.covers(self.due(), PaymentMark::Authorized) || is_free()
    }

    /// What nobody ever paid of what is due for it.
    pub fn never_paid(&self) -> i64 {
        let taken = self.payments.iter().filter(|fact| fact.mark.brings()).map(|fact| fact.amount);
        self.due().saturating_sub(taken.fold(0, i64::saturating_add)).max(0)
    }

    /// How much the edits that took effect since then added to what is owed.
    fn edited_up_since(&self, then: JournalTime) -> i128 {
        let since = |edit: &&Edit| edit.ended.as_ref().is_some_and(|(at, _)| *at >= then);
        let confirmed = self.edits.iter().filter(|edit| edit.state == EditState::Confirmed).filter(since);
        confirmed.map(|edit| i128::from(edit.terms.difference.max(0))).sum()
    }

    /// What the payment reported at capture says of the money, where it says it in a word that is known.
    pub fn paid_at_capture(&self, actor: &Text) -> Vec<PaymentFact> {
        let mark = self.facts.payment.as_ref().and_then(|payment| PaymentMark::at_capture(&payment.status));
        let amount = self.owed_less(|_| 0);
        let fact = |mark| PaymentFact { mark, amount, at: self.received_at, actor: actor.clone() };
        mark.filter(|_| amount > 0).map(fact).into_iter().collect()
    }
}
