//! `GET /usages` in both of the API's generations. Not the quota itself (`quota`), and not how it is read (`upstream`).

use serde_json::{Map, Value, json};

use super::{
    accounts::Usages,
    quota::{Meter, Meters},
    state::Person,
};

/// The body; `None` when the account's answer is not made of its quota.
pub(super) fn body(usages: &Usages, meters: &Meters, person: &Person) -> Option<Value> {
    let mut body = identity(person);
    match usages {
        Usages::Counts => body.extend(counts(meters)),
        Usages::Ratios => body.extend(ratios(meters)),
        Usages::Both => body.extend(counts(meters).chain(ratios(meters))),
        Usages::Body(_) | Usages::Status(_) => return None,
    }
    Some(Value::Object(body))
}

fn identity(person: &Person) -> Map<String, Value> {
    let fields = [
        (
            "user",
            json!({
                "userId": person.user_id,
                "region": "REGION_CN",
                "membership": {"level": "LEVEL_INTERMEDIATE"},
                "businessId": "",
            }),
        ),
        ("parallel", json!({"limit": person.parallel_limit.to_string()})),
        ("authentication", json!({"method": "METHOD_API_KEY", "scope": "FEATURE_CODING"})),
        ("subType", json!("TYPE_PURCHASE")),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The first generation: the week, and a list of which the five hours are the one member.
fn counts(meters: &Meters) -> impl Iterator<Item = (String, Value)> {
    let five_hours =
        json!({"window": {"duration": 300, "timeUnit": "TIME_UNIT_MINUTE"}, "detail": count(&meters.five_hours)});
    [("usage".to_owned(), count(&meters.week)), ("limits".to_owned(), json!([five_hours]))].into_iter()
}

/// Decimal strings; what is zero is left out, as the real API does.
fn count(meter: &Meter) -> Value {
    let mut detail = json!({"limit": meter.limit.to_string(), "resetTime": format!("{:.9}", meter.resets_at)});
    for (name, value) in [("used", meter.limit.min(meter.used)), ("remaining", meter.left())] {
        if value > 0 {
            detail[name] = json!(value.to_string());
        }
    }
    detail
}

/// The second generation: shares of pools.
fn ratios(meters: &Meters) -> impl Iterator<Item = (String, Value)> {
    let pools = json!({
        "limit_5h": ratio(&meters.five_hours),
        "limit_7d": ratio(&meters.week),
        "limit_month_total": ratio(&meters.month),
        "limit_month_code": ratio(&meters.month),
    });
    std::iter::once(("usages".to_owned(), pools))
}

fn ratio(meter: &Meter) -> Value {
    json!({"used_ratio": meter.used_ratio(), "reset_time": format!("{:.0}", meter.resets_at)})
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::demo::{Account, Quota};

    fn told(usages: &Usages) -> Value {
        let mut quota = Quota::plenty();
        (quota.five_hours.limit, quota.five_hours.used) = (200, 200);
        (quota.week.limit, quota.week.used) = (2048, 0);
        let meters = Meters::new(&quota, Timestamp::UNIX_EPOCH);
        let person = Person::of(&Account { user_id: "u1".to_owned(), ..Account::new("sk-kimi-test") });
        body(usages, &meters, &person).expect("made of the quota")
    }

    #[test]
    fn counts_are_strings_and_leave_zeros_out() {
        let body = told(&Usages::Counts);
        assert_eq!(
            body["usage"],
            json!({"limit": "2048", "remaining": "2048", "resetTime": "1970-01-08T00:00:00.000000000Z"})
        );
        assert_eq!(
            body["limits"][0]["detail"],
            json!({"limit": "200", "used": "200", "resetTime": "1970-01-01T05:00:00.000000000Z"})
        );
        assert_eq!(body["user"]["userId"], "u1");
        assert!(body.get("usages").is_none());
    }

    #[test]
    fn ratios_name_every_pool_and_both_is_both() {
        let body = told(&Usages::Ratios);
        assert_eq!(body["usages"]["limit_5h"], json!({"used_ratio": 1.0, "reset_time": "1970-01-01T05:00:00Z"}));
        assert!(body.get("usage").is_none());
        let both = told(&Usages::Both);
        assert!(both.get("usages").is_some() && both.get("usage").is_some() && both.get("limits").is_some());
    }
}
