//! What an order is judged by when it is captured, over HTTP: totals, addresses, nodes that are preferred.

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::served::{Answer, Served};

fn served(test: impl FnOnce(&Served)) {
    let dir = TempDir::new().expect("a folder can be made");
    let server = Served::start(dir.path());
    for (node, latitude, longitude) in [("chicago", 41.88, -87.63), ("reno", 39.53, -119.81)] {
        let node_body = json!({
            "kind": "warehouse", "name": node, "latitude": latitude, "longitude": longitude, "country": "US",
            "postal_code": "60601", "time_zone": "America/Chicago", "active": true
        });
        assert_eq!(put(&server, &format!("/v1/nodes/{node}"), &node_body).status, 201);
    }
    let item = json!({
        "name": "Mug", "kind": "product", "weight_g": 350, "value": {"amount": 600, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90}
    });
    assert_eq!(put(&server, "/v1/items/mug", &item).status, 201);
    let received = |node: &str| json!({"sku": "mug", "node": node, "delta": 10, "reason": "received"});
    let stock = json!({"adjustments": [received("chicago"), received("reno")]});
    assert_eq!(post(&server, "/v1/stock/adjustments", &stock).status, 200);
    test(&server);
    server.stop();
}

fn put(server: &Served, path: &str, body: &Value) -> Answer {
    server.ask("PUT", path, body)
}

fn post(server: &Served, path: &str, body: &Value) -> Answer {
    server.ask("POST", path, body)
}

fn import(server: &Served, kind: &str, lines: &str) -> Value {
    let path = format!("/v1/import/{kind}");
    server.send("POST", &path, "content-type: application/x-ndjson\r\n", lines.as_bytes()).json()
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// Three mugs to Springfield.
fn order(id: &str) -> Value {
    json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": format!("w-{id}"),
        "customer": {"id": "c-1"},
        "ship_to": {"name": "Customer", "line1": "1 Main St", "city": "Springfield", "region": "IL",
                    "postal_code": "62701", "country": "US", "latitude": 39.8, "longitude": -89.6},
        "lines": [{"sku": "mug", "quantity": 3, "unit_price": usd(1_000)}],
        "delivery_method": "ship"
    })
}

/// An order with some fields set to something else.
fn with(id: &str, fields: Value) -> Value {
    let mut order = order(id);
    for (name, value) in fields.as_object().expect("fields") {
        order[name] = value.clone();
    }
    order
}

/// Field and code of every fault of an answer.
fn faults(answer: &Value) -> Vec<(String, String)> {
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let faults = answer["errors"].as_array().cloned().unwrap_or_default();
    let mut faults: Vec<_> = faults.iter().map(|fault| (text(fault, "field"), text(fault, "code"))).collect();
    faults.sort();
    faults
}

fn wanted(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

#[test]
fn a_preferred_node_is_asked_first_and_named_by_the_decision() {
    served(|server| {
        let asked = with("a", json!({"preferred_node": "reno"}));
        let quoted = post(server, "/v1/promises", &asked).json();
        assert_eq!(quoted["decision"]["preferred_node"], "reno");
        let placed = post(server, "/v1/orders", &asked);
        assert_eq!((placed.status, &placed.json()["preferred_node"]), (201, &json!("reno")));
        assert_eq!(placed.json()["fulfillment_orders"][0]["node"], "reno");
        let decision = server.get("/v1/orders/a/decision").json();
        assert_eq!((&decision["preferred_node"], &decision["optimal"]), (&json!("reno"), &json!(true)));
        assert_eq!(decision["rejected"][0]["reason"], "not_preferred");
        let again = post(server, "/v1/orders", &asked);
        assert_eq!((again.status, again.json()["version"].clone()), (201, placed.json()["version"].clone()));
        let unknown = post(server, "/v1/orders", &with("b", json!({"preferred_node": "mars"})));
        assert_eq!((unknown.status, unknown.code().as_str()), (422, "unknown_node"));
    });
}

#[test]
fn totals_add_up_or_are_refused_with_what_they_should_be() {
    served(|server| {
        let totals = |totals: Value| with("a", json!({"totals": totals}));
        let wrong = post(server, "/v1/orders", &totals(json!({"total": usd(2_999)})));
        assert_eq!((wrong.status, wrong.code().as_str()), (422, "totals_mismatch"));
        let detail = wrong.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains("must be 3000") && detail.contains("is 2999"), "{detail}");
        let both = totals(json!({"subtotal": usd(2_000), "shipping": usd(500), "total": usd(3_000)}));
        let both = post(server, "/v1/orders", &both).json();
        assert_eq!(
            faults(&both),
            wanted(&[("totals.subtotal", "totals_mismatch"), ("totals.total", "totals_mismatch")])
        );
        let good = json!({
            "subtotal": usd(3_000), "discount": usd(300), "shipping": usd(500), "tax": usd(216), "tax_included": true,
            "total": usd(3_200)
        });
        let placed = post(server, "/v1/orders", &totals(good));
        assert_eq!(placed.status, 201, "{}", placed.json());
        let shown = server.get("/v1/orders/a").json()["totals"].clone();
        let told = json!({
            "discount": usd(300), "shipping": usd(500), "tax": usd(216), "tax_included": true, "total": usd(3_200)
        });
        assert_eq!(shown, told);
    });
}

#[test]
fn an_address_is_judged_by_its_countrys_format_with_all_other_faults() {
    served(|server| {
        assert_eq!(post(server, "/v1/orders", &order("before")).status, 201, "nothing is judged where nothing was put");
        let format = json!({
            "required": ["line1", "city", "region", "postal_code"], "postal_code_pattern": r"(\d{5})(?:[ \-](\d{4}))?",
            "regions": ["IL", "Illinois", "WI"]
        });
        assert_eq!(put(server, "/v1/address-formats/US", &format).status, 201);
        assert_eq!(put(server, "/v1/address-formats/US", &format).status, 200);
        let bad_pattern = put(server, "/v1/address-formats/US", &json!({"postal_code_pattern": "(\\d"}));
        assert_eq!((bad_pattern.status, bad_pattern.code().as_str()), (422, "invalid_pattern"));
        assert_eq!(server.get("/v1/address-formats/US").json()["regions"], json!(["IL", "Illinois", "WI"]));
        assert_eq!(server.get("/v1/address-formats/FR").code(), "not_found");
        let mut bad = order("a");
        bad["ship_to"]["region"] = "Ontario".into();
        bad["ship_to"]["line1"] = " ".into();
        bad["ship_to"]["postal_code"] = "627011".into();
        bad["lines"][0]["sku"] = "lamp".into();
        bad["preferred_node"] = "mars".into();
        bad["lines"][0]["group"] = "gift".into();
        bad["groups"] = json!({"gift": {"name": "Bo", "line1": "2 Elm St", "city": "", "region": "wi",
                                        "postal_code": "53202", "country": "US"}});
        let answer = post(server, "/v1/orders", &bad);
        assert_eq!(answer.status, 422);
        let all = [
            ("groups.gift.city", "missing_field"),
            ("lines[0].sku", "unknown_sku"),
            ("preferred_node", "unknown_node"),
            ("ship_to.line1", "missing_field"),
            ("ship_to.postal_code", "invalid_postal_code"),
            ("ship_to.region", "unknown_region"),
        ];
        assert_eq!(faults(&answer.json()), wanted(&all));
        assert_eq!(server.get("/v1/orders/a").status, 404, "nothing was captured");
        assert_eq!(post(server, "/v1/orders", &order("a")).status, 201);
        let elsewhere = json!({"changes": [{"ship_to": {
            "name": "Customer", "line1": "1 Lake St", "city": "Madison", "region": "WI", "postal_code": "5370",
            "country": "US"
        }}]});
        let edit = post(server, "/v1/orders/a/edits", &elsewhere);
        assert_eq!(faults(&edit.json()), wanted(&[("changes[0].ship_to.postal_code", "invalid_postal_code")]));
    });
}

/// The public formats of all countries; `None` where the data sets are not there.
fn formats() -> Option<Value> {
    let folder = std::env::var_os("ORDAIN_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let file = folder.join("address_formats/country_address_formats.json.gz");
    let Ok(packed) = std::fs::File::open(&file) else {
        assert!(std::env::var_os("CI").is_none(), "{} is missing, and CI must read it", file.display());
        eprintln!("{} is missing: nothing is imported; name the folder by ORDAIN_DATA", file.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("it unpacks");
    Some(serde_json::from_str(&text).expect("it is JSON"))
}

/// A country's format as a line of an import.
fn line(country: &str, format: &Value) -> Value {
    let fields = [('N', "name"), ('A', "line1"), ('C', "city"), ('S', "region"), ('Z', "postal_code")];
    let required = format["require"].as_str().unwrap_or_default();
    let required: Vec<_> =
        fields.iter().filter(|(letter, _)| required.contains(*letter)).map(|(_, name)| *name).collect();
    let spelled = ["sub_keys", "sub_names", "sub_lnames"].map(|list| format[list].as_str().unwrap_or_default());
    let regions: Vec<&str> = spelled.iter().flat_map(|list| list.split('~')).filter(|name| !name.is_empty()).collect();
    let mut line = json!({"country": country, "required": required, "regions": regions});
    if let Some(pattern) = format["zip"].as_str() {
        line["postal_code_pattern"] = pattern.into();
    }
    line
}

#[test]
fn the_formats_of_all_countries_are_imported_and_judge_their_own_examples_right() {
    let Some(formats) = formats() else { return };
    let formats = formats.as_object().expect("formats by country");
    served(|server| {
        let lines: Vec<String> = formats.iter().map(|(country, format)| line(country, format).to_string()).collect();
        let report = import(server, "address_formats", &lines.join("\n"));
        assert_eq!((&report["accepted"], &report["refused"]), (&json!(formats.len()), &json!([])), "{report}");
        for (country, format) in formats {
            let mut good = order("x");
            let first =
                |list: &str, by| format[list].as_str().and_then(|all: &str| all.split(by).next().map(str::to_owned));
            good["ship_to"]["country"] = country.as_str().into();
            good["ship_to"]["region"] = first("sub_keys", '~').unwrap_or_else(|| "Somewhere".to_owned()).into();
            good["ship_to"]["postal_code"] = first("zipex", ',').unwrap_or_else(|| "1000".to_owned()).into();
            let answer = post(server, "/v1/promises", &good);
            assert_eq!(answer.status, 200, "{country}: {}", answer.json());
            good["ship_to"]["postal_code"] = "no code!".into();
            let judged = post(server, "/v1/promises", &good);
            let code = if format["zip"].is_null() { "" } else { "invalid_postal_code" };
            assert_eq!(judged.code(), code, "{country}");
        }
    });
}

#[test]
fn what_must_be_paid_before_what_is_a_rule_of_the_channel() {
    served(|server| {
        let channel = json!({
            "name": "Web", "limits": [], "payment_before": {"release": "authorized", "ship": "paid"},
            "payment_methods": ["card"]
        });
        assert_eq!(put(server, "/v1/channels/web", &channel).status, 201);
        let shown = server.get("/v1/channels/web").json();
        assert_eq!(
            (&shown["payment_before"], &shown["payment_methods"]),
            (&channel["payment_before"], &json!(["card"]))
        );
        let shells = with("a", json!({"payment": {"method": "shells", "status": "paid"}}));
        assert_eq!(post(server, "/v1/orders", &shells).code(), "payment_method_not_taken");
        let placed = post(server, "/v1/orders", &order("a")).json();
        let step = |verb: &str, body: Value| {
            let id = placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
            post(server, &format!("/v1/fulfillment-orders/{id}/{verb}"), &body)
        };
        let refused = step("accept", json!({}));
        assert_eq!((refused.status, refused.code().as_str()), (409, "payment_due"));
        let told = refused.json();
        assert_eq!(
            (&told["payment"], &told["missing"], &told["step"]),
            (&json!("authorized"), &usd(3_000), &json!("accept"))
        );
        let report =
            |status: &str| post(server, "/v1/orders/a/payments", &json!({"status": status, "amount": usd(3_000)}));
        assert_eq!(report("authorized").status, 201);
        for verb in ["accept", "pick", "pack"] {
            assert_eq!(step(verb, json!({})).status, 200, "{verb}");
        }
        let shipment = || json!({"carrier": "ups", "service": "ground", "tracking_number": "1Z"});
        assert_eq!(step("ship", shipment()).code(), "payment_due");
        assert_eq!(report("paid").status, 201);
        assert_eq!(step("ship", shipment()).status, 200);
    });
}

#[test]
fn two_orders_become_one_and_the_one_that_went_says_where() {
    served(|server| {
        let keep = post(server, "/v1/orders", &order("keep")).json();
        post(server, "/v1/orders", &order("go"));
        let merge = || {
            let headers = "content-type: application/json\r\nidempotency-key: m\r\n";
            server.send("POST", "/v1/orders/keep/merge", headers, br#"{"with":"go"}"#)
        };
        let (merged, again) = (merge(), merge());
        assert_eq!(merged.status, 200, "{}", merged.json());
        assert_eq!((again.json(), again.header("idempotent-replayed")), (merged.json(), Some("true")));
        let merged = merged.json();
        let lines = merged["lines"].as_array().expect("lines");
        assert_eq!((lines.len(), merged["fulfillment_orders"].as_array().map(Vec::len)), (2, Some(2)));
        let gone = server.get("/v1/orders/go").json();
        assert_eq!(gone["status"], "cancelled");
        let history = server.get("/v1/orders/go/history").json();
        assert_eq!(
            history["items"].as_array().and_then(|told| told.last()).map(|told| told["type"].clone()),
            Some(json!("merged_into"))
        );
        assert_eq!((gone["merged_into"].is_string(), merged["merged"].as_array().map(Vec::len)), (true, Some(1)));
        assert_eq!(keep["channel_order_id"], merged["channel_order_id"]);
        let taken = post(server, "/v1/orders", &with("go-2", json!({"channel_order_id": "w-go"})));
        assert_eq!(taken.code(), "duplicate_channel_order", "its id in the channel stays its own");
        post(server, "/v1/orders", &with("other", json!({"customer": {"id": "c-2"}})));
        let refused = post(server, "/v1/orders/keep/merge", &json!({"with": "other"}));
        assert_eq!((refused.status, refused.code().as_str()), (409, "orders_not_mergeable"));
    });
}

#[test]
fn what_is_brought_in_a_slot_is_there_by_its_day_where_it_comes_from() {
    served(|server| {
        let slot =
            |id: &str, from: &str, until: &str| json!({"id": id, "starts_at": from, "ends_at": until, "limit": 9});
        let slots = json!({"slots": [
            slot("evening", "2099-01-06T01:00:00Z", "2099-01-06T06:00:00Z"),
            slot("night", "2099-01-06T06:00:00Z", "2099-01-06T07:00:00Z"),
        ]});
        assert_eq!(put(server, "/v1/nodes/chicago/slots", &slots).status, 200);
        for (id, slot, day) in [("a", "evening", "2099-01-05"), ("b", "night", "2099-01-06")] {
            let mut line = json!({"sku": "mug", "quantity": 1, "unit_price": usd(1_000)});
            line["slot"] = json!({"node": "chicago", "id": slot});
            let asked = with(id, json!({"lines": [line], "delivery_method": "local_delivery"}));
            let placed = post(server, "/v1/orders", &asked);
            assert_eq!(placed.status, 201, "{}", placed.json());
            assert_eq!(placed.json()["fulfillment_orders"][0]["deliver_by"], day);
        }
    });
}

#[test]
fn what_is_packed_is_cancelled_by_its_fulfillment_order_and_the_refusal_says_so() {
    served(|server| {
        let placed = post(server, "/v1/orders", &order("a")).json();
        let id = placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
        for verb in ["accept", "pick", "pack"] {
            assert_eq!(post(server, &format!("/v1/fulfillment-orders/{id}/{verb}"), &json!({})).status, 200, "{verb}");
        }
        let refused = post(server, "/v1/orders/a/cancellations", &json!({"reason": "changed_mind"}));
        assert_eq!((refused.status, refused.code().as_str()), (409, "not_cancellable"));
        let problem = refused.json();
        assert_eq!(
            (&problem["line"], &problem["cancellable"], &problem["requested"]),
            (&Value::Null, &json!(0), &json!(3))
        );
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("`cancel` of its fulfilment order"), "{detail}");
        let done = post(server, &format!("/v1/fulfillment-orders/{id}/cancel"), &json!({"reason": "changed_mind"}));
        assert_eq!(done.status, 200, "{}", done.json());
    });
}

#[test]
fn an_installation_has_a_slot_and_a_warranty_is_found_under_its_customer() {
    served(|server| {
        let service = json!({
            "name": "Work", "kind": "service", "weight_g": 0, "value": {"amount": 0, "currency": "USD"},
            "dimensions_mm": {"length": 0, "width": 0, "height": 0}
        });
        for sku in ["setup", "care"] {
            assert_eq!(put(server, &format!("/v1/items/{sku}"), &service).status, 201);
        }
        let slot = |limit: u32| {
            json!({"slots": [{"id": "monday", "sku": "setup", "starts_at": "2099-01-05T08:00:00Z",
                              "ends_at": "2099-01-05T12:00:00Z", "limit": limit}]})
        };
        assert_eq!(put(server, "/v1/nodes/chicago/slots", &slot(1)).status, 200);
        assert_eq!(put(server, "/v1/nodes/mars/slots", &slot(1)).status, 404);
        let line = |sku: &str| json!({"sku": sku, "quantity": 1, "unit_price": usd(1_000)});
        let mut setup = line("setup");
        setup["slot"] = json!({"node": "chicago", "id": "monday"});
        let mut care = line("care");
        care["warranty"] = json!({"months": 24, "covers": "1"});
        let lines = json!([line("mug"), setup, care]);
        let placed = post(server, "/v1/orders", &with("a", json!({"lines": lines})));
        assert_eq!(placed.status, 201, "{}", placed.json());
        let placed = placed.json();
        assert_eq!(placed["lines"][1]["slot"]["starts_at"], "2099-01-05T08:00:00Z");
        assert_eq!(placed["lines"][2]["warranty"]["registered"], json!([]));
        let full = post(server, "/v1/orders", &with("b", json!({"lines": lines})));
        assert_eq!((full.status, full.code().as_str(), &full.json()["available"]), (409, "slot_full", &json!(0)));
        assert_eq!(server.get("/v1/nodes/chicago/slots").json()["slots"][0]["used"], 1);
        assert_eq!(put(server, "/v1/nodes/chicago/slots", &slot(0)).code(), "slot_in_use");
        let fulfillments = placed["fulfillment_orders"].as_array().expect("some");
        let goods = fulfillments.iter().find(|f| f["lines"][0]["sku"] == "mug").expect("of the mug");
        let id = goods["id"].as_str().expect("an id");
        for verb in ["accept", "pick", "pack", "ready", "hand_over"] {
            assert_eq!(post(server, &format!("/v1/fulfillment-orders/{id}/{verb}"), &json!({})).status, 200, "{verb}");
        }
        let found = server.get("/v1/customers/c-1/warranties").json();
        let [warranty] = &found["items"].as_array().expect("a list")[..] else { panic!("{found}") };
        assert_eq!(
            (&warranty["order"], &warranty["covers"], &warranty["quantity"]),
            (&json!("a"), &json!("mug"), &json!(1))
        );
        assert_eq!(server.get("/v1/customers/nobody/warranties").json()["items"], json!([]));
    });
}
