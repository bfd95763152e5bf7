import Formats

/// Which fields are accepted: those whose probability reaches a threshold, one for all fields or one for each.
package enum AcceptanceRule: Hashable, Sendable {
    case nothing
    case all(from: Double)
    /// By field name; other fields are not accepted.
    case byField(from: [String: Double])

    package func accepts(_ probability: Double, field: String) -> Bool {
        switch self {
        case .nothing: false
        case .all(let threshold): probability >= threshold
        case .byField(let thresholds): thresholds[field].map { probability >= $0 } ?? false
        }
    }

    package var json: JSONValue {
        switch self {
        case .nothing: .null
        case .all(let threshold): .number(threshold)
        case .byField(let thresholds):
            .object(
                JSONObject(
                    distinct: thresholds.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .number($0.value)) }
                ))
        }
    }

    /// Nil if the value is no rule.
    init?(_ json: JSONValue?) {
        switch json {
        case nil, .null?: self = .nothing
        case .number(let threshold)?: self = .all(from: threshold.double)
        case .object(let members)?:
            var thresholds: [String: Double] = [:]
            for member in members.members {
                guard case .number(let number) = member.value else { return nil }
                thresholds[member.key] = number.double
            }
            self = .byField(from: thresholds)
        default: return nil
        }
    }
}
