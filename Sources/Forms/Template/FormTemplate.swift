import Tensors

/// A form's template: the positions and kinds of its fields, and the features by which its pages are found in scans.
///
/// Coordinates are in the page's own units, such as pixels of the blank form or millimetres.
package struct FormTemplate: Hashable, Sendable {
    package var name: String
    package var pages: [FormPage]
    /// The sums that link fields.
    package var sums: [SumCheck]
    package var acceptance: AcceptanceOptions
    /// Whether two people key each field of the review blind, and a third decides if they differ.
    package var doubleKeying: Bool

    package var fields: [FormField] { pages.flatMap(\.fields) }
}

/// An axis-aligned rectangle of a page.
package struct PageBox: Hashable, Sendable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double

    package init(x: Double, y: Double, width: Double, height: Double) {
        (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    package var right: Double { x + width }
    package var bottom: Double { y + height }
    package var centre: Point { Point(x + width / 2, y + height / 2) }
    package var corners: [Point] { [Point(x, y), Point(right, y), Point(right, bottom), Point(x, bottom)] }

    package func union(_ other: PageBox) -> PageBox {
        let (left, top) = (min(x, other.x), min(y, other.y))
        return PageBox(
            x: left, y: top, width: max(right, other.right) - left, height: max(bottom, other.bottom) - top)
    }

    func contains(_ p: Point) -> Bool { p.x >= x && p.y >= y && p.x <= right && p.y <= bottom }

    /// Returns the box extended by `dx` on the left and right, and by `dy` at the top and bottom.
    func padded(_ dx: Double, _ dy: Double) -> PageBox {
        PageBox(x: x - dx, y: y - dy, width: width + 2 * dx, height: height + 2 * dy)
    }
}

/// One side of a sheet.
package struct FormPage: Hashable, Sendable {
    package var width: Double
    package var height: Double
    /// The solid rectangles printed for registration.
    package var marks: [PageBox] = []
    /// The printed straight lines, in addition to the frames of the fields.
    package var lines: [PrintedLine] = []
    package var fields: [FormField] = []
}

package struct PrintedLine: Hashable, Sendable {
    package var start: Point
    package var end: Point
}

package struct FormField: Hashable, Sendable {
    package var name: String
    package var kind: FieldKind
    /// The priority in the review: higher ones come first.
    package var priority: Int
    /// Whether the field must not be left empty.
    package var isRequired: Bool
    /// Whether the frame of the field is printed as in the template, and is used to find the page.
    package var isFramed: Bool
    /// The checks that the value must pass.
    package var checks: [FieldCheck]

    /// The bounding box of the field.
    package var box: PageBox {
        switch kind {
        case .characters(let options): options.box
        case .choice(let options): options.options.dropFirst().reduce(options.options[0].box) { $0.union($1.box) }
        }
    }
}

package enum FieldKind: Hashable, Sendable {
    /// Digits or letters, in boxes or on a line.
    case characters(CharacterField)
    /// Boxes to tick.
    case choice(ChoiceField)
}

package struct CharacterField: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Digits, one per box.
        case boxes
        /// Digits written freely.
        case digits
        case date
        /// Characters of an alphabet that the network was trained on.
        case text
    }

    package var kind: Kind
    package var box: PageBox
    /// The cells of one character each, from left to right; empty for free writing.
    package var cells: [PageBox]
    /// The range of the number of characters of a value.
    package var length: ClosedRange<Int>
    /// The allowed characters; nil for all of the network's.
    package var characters: String?
    package var date: DateFormat?
}

package struct ChoiceField: Hashable, Sendable {
    package struct Option: Hashable, Sendable {
        package var value: String
        package var box: PageBox
    }

    package var options: [Option]
    /// The maximum number of boxes that may be ticked.
    package var most: Int
}

/// A check that the total equals the sum of the parts.
package struct SumCheck: Hashable, Sendable {
    package var total: String
    package var parts: [String]

    /// The fields involved.
    var names: [String] { parts + [total] }
}

/// The allowed error rate of accepted fields, and its confidence level.
package struct AcceptanceOptions: Hashable, Sendable {
    /// The fraction of accepted fields that may be wrong.
    package var error = 0.001
    /// The probability that the bound holds.
    package var level = 0.95
    /// The fields that share a threshold and its bound.
    package var per = Scope.form

    package enum Scope: String, CaseIterable, Sendable {
        /// All fields of the form.
        case form
        /// Each field has a threshold and a bound of its own.
        case field
    }

    package init() {}
}
