//! The answer to a command: the JSON of whatever it led to.

use serde::Serialize;

use super::address::AddressFormatJson;
use super::calendar::CalendarJson;
use super::carrier::CarrierJson;
use super::carton::CartonJson;
use super::channel::ChannelJson;
use super::cycle_count::CycleCountJson;
use super::dispatch::DispatchJson;
use super::draft::DraftJson;
use super::edit::EditJson;
use super::exception::ExceptionJson;
use super::fulfillment::FulfillmentJson;
use super::hold::HoldJson;
use super::inbound::{InboundJson, RedatedInbound};
use super::item::ItemJson;
use super::lockers::LockersJson;
use super::node::NodeJson;
use super::opportunity::OpportunityJson;
use super::optimisation::OptimisationJson;
use super::order::OrderJson;
use super::order_names::OrderNames;
use super::picking::BinsJson;
use super::policy::PolicyJson;
use super::reservation::ReservationJson;
use super::returns::ReturnJson;
use super::rule_set::RuleSetJson;
use super::slots::SlotsJson;
use super::stock::{CellJson, CountedJson, LevelsJson};
use super::subscription::SubscriptionJson;
use super::transfer::{RedatedTransfer, TransferJson};
use super::wave::WaveJson;
use super::zones::ZoneChartJson;
use crate::domain::carrier::ShippingTerms;
use crate::domain::catalogue::Catalogue;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, Level};
use crate::domain::time::Now;

/// A reply as JSON, named by the catalogue and by `orders`, as of `now`; `incoming` says what is on its way to a cell.
pub fn written(
    reply: &Reply,
    (catalogue, orders): (&Catalogue, &OrderNames<'_>),
    now: Now,
    incoming: impl Fn(CellKey) -> u64,
) -> Vec<u8> {
    match reply {
        Reply::Node { node, .. } => json(&NodeJson::from(node.as_ref())),
        Reply::Item { item, .. } => json(&ItemJson::of(item, catalogue)),
        Reply::Rules(version) => json(&RuleSetJson::from(version.as_ref())),
        Reply::Levels(levels) => {
            let shown = |(cell, level): &(CellKey, Level)| CellJson::of(*cell, level, incoming(*cell), catalogue);
            json(&LevelsJson { levels: levels.iter().map(shown).collect() })
        }
        Reply::Counted { cell, level, difference, dropped } => {
            let shown = CellJson::of(*cell, level, incoming(*cell), catalogue);
            json(&CountedJson::of(shown, *difference, *dropped))
        }
        Reply::Reservation(reservation) => json(&ReservationJson::of(reservation, catalogue, orders, now.journal)),
        Reply::Order(order) => OrderJson::written(order, catalogue, orders),
        Reply::Subscription { subscription, .. } => json(&SubscriptionJson::of(subscription, catalogue, orders)),
        Reply::Inbound(inbound) => json(&InboundJson::of(inbound, catalogue, now.wall)),
        Reply::Redated { inbound, count, first } => {
            json(&RedatedInbound::of(inbound, *count, first, catalogue, now.wall))
        }
        Reply::CycleCount(count) => json(&CycleCountJson::of(count, catalogue)),
        Reply::RedatedTransfer { transfer, count, first } => {
            json(&RedatedTransfer::of(transfer, *count, first, catalogue, now.wall))
        }
        Reply::Transfer(transfer) => json(&TransferJson::of(transfer, catalogue, now.wall)),
        Reply::Return(known) => json(&ReturnJson::of(known, catalogue, orders)),
        Reply::Wave(wave) => json(&WaveJson::of(wave, catalogue, orders)),
        Reply::Draft(draft) => json(&DraftJson::of(draft, orders, now.journal)),
        Reply::Dispatch(key, dispatch) => json(&DispatchJson::of(key, dispatch, catalogue)),
        Reply::Optimisation(optimisation) => json(&OptimisationJson::of(optimisation, catalogue)),
        Reply::Opportunity(known) => json(&OpportunityJson::of(known, catalogue)),
        Reply::Bins(node, bins) => json(&BinsJson::of(*node, bins, catalogue)),
        Reply::Exception(case) => json(&ExceptionJson::of(case, catalogue, orders)),
        Reply::Policy(key, policy) => json(&PolicyJson::of(key, policy, catalogue)),
        Reply::Hold { order, number } => json(&HoldJson::numbered(order, *number)),
        Reply::Slots(slots) => json(&SlotsJson::of(slots, catalogue)),
        Reply::Lockers(lockers) => json(&LockersJson::from(&**lockers)),
        Reply::AddressFormat { format, .. } => json(&AddressFormatJson::from(format.as_ref())),
        Reply::Channel { channel, used, .. } => json(&ChannelJson::of(channel, used, catalogue)),
        Reply::Shipping { terms, .. } => shipping(terms),
        Reply::Carton { carton, .. } => json(&CartonJson::of(carton, catalogue)),
        Reply::Edit { order, number } => EditJson::written(order, *number, catalogue, now.journal),
        Reply::Fulfillment { order, key } => json(&FulfillmentJson::of(order, key.number, catalogue)),
    }
}

fn shipping(terms: &ShippingTerms) -> Vec<u8> {
    match terms {
        ShippingTerms::Carrier(carrier) => json(&CarrierJson::of(carrier, None)),
        ShippingTerms::Traced(carrier, template) => json(&CarrierJson::of(carrier, Some(template))),
        ShippingTerms::Calendar(calendar) => json(&CalendarJson::from(calendar)),
        ShippingTerms::ZoneChart(chart) => json(&ZoneChartJson::of(&chart.table, chart.from, &chart.chart)),
    }
}

/// An answer as JSON.
pub fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("answers have text keys and finite numbers")
}
