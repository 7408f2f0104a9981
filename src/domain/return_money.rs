//! A return's money: what its units are worth to the customer by now, what of that goes back to him, and what goes to the
//! order of what he gets instead. Amounts are minor units of its order's currency.
//!
//! What he gets instead is an order of its own, owed in full. What comes back pays for it: so much of the money that was
//! paid goes from the one order to the other, once no more comes, or at once where it leaves before anything came, and
//! comes back when the return is called off. What is left goes back to the customer.
//!
//! Laws: what went back and what went over are never more than what the units are worth that came, or may still come, and
//! never more than was paid and not given back.
//!
//! What is *not* here: the return itself (`returns`), and who moves the money (the engine).

use super::decision::LineUnits;
use super::order::Order;
use super::payment::Paid;
use super::return_policy::RefundAt;
use super::returns::{ApartKits, ExchangeLine, Return, ReturnEnd, ReturnLine, ReturnStatus};

impl Return {
    /// What the customer gets instead is worth.
    pub fn exchange_value(&self) -> i64 {
        let price = |line: &ExchangeLine| i128::from(line.unit_price) * i128::from(line.quantity);
        i64::try_from(self.exchange.iter().map(price).sum::<i128>()).unwrap_or(i64::MAX)
    }

    /// What its units are worth to the customer by now: by its terms, of those that were asked for, that came, or of which
    /// was said what becomes of them.
    fn worth_by_now(&self) -> i64 {
        let began = self.in_transit || self.lines.iter().any(|line| line.received + line.missing > 0);
        let not_missing = |line: &ReturnLine| line.quantity.saturating_sub(line.missing);
        match self.terms.refund_at {
            _ if self.approved_at.is_none() => 0,
            _ if self.terms.is_claim => self.worth_of(|line| line.quantity),
            RefundAt::Approved => self.worth_there(not_missing),
            RefundAt::InTransit if began => self.worth_there(not_missing),
            RefundAt::InTransit => 0,
            RefundAt::Received => self.worth_there(|line| line.received),
            RefundAt::Dispositioned => self.worth_in_parts(|line, kits, whole| {
                let units: u32 = line.disposed.iter().map(|disposed| disposed.units).sum();
                i128::from(units) * whole + kits.map_or(0, ApartKits::disposed)
            }),
        }
    }

    /// What units of its lines are worth, but for what was missing of kits that came.
    fn worth_there(&self, units: impl Fn(&ReturnLine) -> u32) -> i64 {
        self.worth_in_parts(|line, kits, whole| {
            (i128::from(units(line)) * whole - kits.map_or(0, ApartKits::missing)).max(0)
        })
    }

    /// What so many parts of the units of each line are worth: a unit has as many as its kits weigh, where some of them were
    /// taken apart.
    fn worth_in_parts(&self, parts: impl Fn(&ReturnLine, Option<&ApartKits>, i128) -> i128) -> i64 {
        let worth = |(at, line): (u16, &ReturnLine)| {
            let kits = self.apart(at);
            let whole = kits.map_or(1, ApartKits::whole);
            line.worth_of_parts(parts(line, kits, whole), whole)
        };
        (0..).zip(&self.lines).map(worth).fold(0, i64::saturating_add)
    }

    pub(super) fn worth_of(&self, units: impl Fn(&ReturnLine) -> u32) -> i64 {
        let worth: i128 = self.lines.iter().map(|line| i128::from(line.worth(units(line)))).sum();
        i64::try_from(worth).unwrap_or(i64::MAX)
    }

    /// What may go back to the customer by now, what went back included: what its units are worth by now, less what is kept
    /// for what he gets instead.
    pub fn refundable(&self) -> i64 {
        self.worth_by_now().saturating_sub(self.credited.max(self.instead())).max(0)
    }

    /// How much of what the customer gets instead is to be paid out of what comes back, as far as it is known.
    pub(super) fn instead(&self) -> i64 {
        self.instead.unwrap_or_else(|| self.exchange_value())
    }

    /// What of its units pays for what the customer gets instead: those that came, once no more come; those that may still
    /// come, where that leaves before them; all of a claim; what went back to him does not.
    fn pays(&self) -> i64 {
        let comes = self.lines.iter().any(|line| line.expected() > 0);
        let worth = match self.terms {
            _ if self.approved_at.is_none() || self.is_called_off() => 0,
            terms if terms.is_claim => self.worth_of(|line| line.quantity),
            terms if terms.exchange_at_once => self.worth_there(|line| line.quantity.saturating_sub(line.missing)),
            _ if comes => 0,
            _ => self.worth_there(|line| line.received),
        };
        worth.saturating_sub(self.refunded).max(0)
    }

    /// How much more of its order's money goes to what the customer gets instead, of which `instead` is to be paid out of
    /// what comes back; below zero what comes back of it. Both orders have only so much that was paid and not given back.
    pub fn credit_due(&self, instead: i64, kept: i64, kept_there: i64) -> i64 {
        let ended = matches!(self.end, Some((ReturnEnd::Closed, _)));
        let more = self.pays().min(instead).saturating_sub(self.credited);
        if ended { 0 } else { more.clamp(-kept_there.max(0), kept.max(0)) }
    }

    /// Whether more of its order's money went to what the customer gets instead than what comes back pays for.
    pub fn paid_too_much(&self) -> bool {
        self.credited > self.pays().min(self.instead())
    }

    /// How much of what the customer gets instead is to be paid out of what comes back, as its order stands: all that is due of
    /// it, less what he paid for it himself, and what went on with units that were split off it. One with a total is from
    /// before money went over: that total is what he owes beside what comes back.
    pub fn instead_of(&self, order: &Order) -> i64 {
        // Below zero where more went on than he paid himself.
        let own = Paid::of(&order.payments).paid.saturating_sub(self.credited);
        match order.facts.total {
            None => order.due().saturating_sub(own).max(0),
            Some(_) if order.totals().open() + u64::from(order.totals().delivered) == 0 => 0,
            Some(_) => self.exchange_value(),
        }
    }

    /// Whether it was told another amount than this, or none where it is not the price alone.
    pub fn is_told_otherwise(&self, instead: i64) -> bool {
        self.end.is_none() && self.instead() != instead
    }

    /// Whether what the customer gets instead is his: all came back, and it pays for as much of that as it can, but for what
    /// nobody ever paid of the order.
    pub fn covers(&self, never_paid: i64) -> bool {
        let came = self.terms.is_claim && self.approved_at.is_some() || self.is_back();
        let worth = self.worth_of(|line| line.quantity);
        came && !self.is_called_off() && worth.min(self.instead()).saturating_sub(self.credited) <= never_paid
    }

    /// Whether nothing more comes.
    pub fn is_over(&self) -> bool {
        let comes = !self.terms.is_claim && self.lines.iter().any(|line| line.expected() > 0);
        self.end.is_some() || self.approved_at.is_some() && !comes
    }

    /// Whether it ended without its goods.
    pub fn is_called_off(&self) -> bool {
        matches!(self.end, Some((ReturnEnd::Declined | ReturnEnd::Cancelled | ReturnEnd::Expired, _)))
    }

    /// Whether money may still go to what the customer gets instead, or come back from there.
    pub fn money_may_move(&self) -> bool {
        self.end.is_none() || self.is_called_off() && self.credited > 0
    }

    /// Of units that will not come, those for which money went back: of each line, by its position, so many. The customer
    /// keeps both, so they never come again. A unit of which all but the fee went back is paid for in full. One that was
    /// refunded in part counts as one too: what went back for it is not carried to another return, which would give its
    /// whole price again.
    pub fn paid_out(&self, gone: &[(usize, u32)]) -> Vec<LineUnits> {
        let lost = |at: usize| gone.iter().filter(|(line, _)| *line == at).map(|(_, units)| units).sum::<u32>();
        let left = |line: &ReturnLine| line.quantity.saturating_sub(line.missing);
        let before = self.refunded.saturating_sub(self.worth_of(left)).max(0);
        let after =
            (0..).zip(&self.lines).map(|(at, line)| i128::from(line.worth(left(line).saturating_sub(lost(at)))));
        let after = i64::try_from(after.sum::<i128>()).unwrap_or(i64::MAX);
        let mut beyond = self.refunded.saturating_sub(after).max(0).saturating_sub(before);
        let mut out: Vec<LineUnits> = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let many = i64::from(line.quantity.max(1));
            let each = (line.worth(line.quantity) + many - 1) / many;
            if each <= 0 {
                continue;
            }
            let units = u32::try_from((beyond + each - 1) / each).unwrap_or(u32::MAX).min(lost(at));
            beyond -= i64::from(units).saturating_mul(each).min(beyond);
            if units > 0 {
                out.push(LineUnits { line: line.line, quantity: units });
            }
        }
        out
    }

    /// How much more the customer gets instead than what comes back is worth; less when it is below zero.
    pub fn difference(&self) -> i64 {
        self.exchange_value().saturating_sub(self.worth_of(|line| line.quantity))
    }

    /// Whether nothing more is to be done: all goods have their fate, what the customer gets instead is ordered, and the
    /// money that is due has gone back, or to what he gets instead, or as much of it as there is or may come: `money`.
    pub fn is_settled(&self, money: i64) -> bool {
        let goods = self.status() == ReturnStatus::Dispositioned;
        let back = (self.refundable() - self.refunded).max(0);
        let over = self.pays().min(self.instead()).saturating_sub(self.credited).max(0);
        goods && back.saturating_add(over).min(money) <= 0 && (self.exchange.is_empty() || self.replacement.is_some())
    }
}
