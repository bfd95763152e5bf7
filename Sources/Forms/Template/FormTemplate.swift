import Tensors

/// A form as people fill it in: where its fields are, what may stand in them, and how its pages are found again in scans.
///
/// Places are in the page's own units, whichever they are: pixels of the blank form, or millimetres.
package struct FormTemplate: Hashable, Sendable {
    package var name: String
    package var pages: [FormPage]
    /// Fields that depend on one another.
    package var sums: [SumCheck]
    package var acceptance: AcceptanceOptions
    /// Whether two people key each field of the review, blind, and a third decides where they differ.
    package var doubleKeying: Bool

    package var fields: [FormField] { pages.flatMap(\.fields) }
}

/// An upright rectangle of a page.
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

    /// Wider by `dx` at either side and higher by `dy`.
    func padded(_ dx: Double, _ dy: Double) -> PageBox {
        PageBox(x: x - dx, y: y - dy, width: width + 2 * dx, height: height + 2 * dy)
    }
}

/// One side of a sheet.
package struct FormPage: Hashable, Sendable {
    package var width: Double
    package var height: Double
    /// Solid rectangles that are printed for registration.
    package var marks: [PageBox] = []
    /// Printed straight lines, beside the frames of the fields: start and end.
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
    /// Of its place in the review: higher ones come first.
    package var priority: Int
    /// Whether it may not be left empty.
    package var isRequired: Bool
    /// Whether the frame of the field is printed as the template says, and helps to find the page.
    package var isFramed: Bool
    /// What its value satisfies.
    package var checks: [FieldCheck]

    /// The place of all of it.
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
        /// A digit a box.
        case boxes
        /// Digits written freely.
        case digits
        case date
        /// Of an alphabet that the network was trained on.
        case text
    }

    package var kind: Kind
    package var box: PageBox
    /// A character each, from left to right; empty where one writes freely.
    package var cells: [PageBox]
    /// Characters of a value.
    package var length: ClosedRange<Int>
    /// Nil: those of the network.
    package var characters: String?
    package var date: DateFormat?
}

package struct ChoiceField: Hashable, Sendable {
    package struct Option: Hashable, Sendable {
        package var value: String
        package var box: PageBox
    }

    package var options: [Option]
    /// Boxes that may be ticked.
    package var most: Int
}

/// The total is the sum of the parts.
package struct SumCheck: Hashable, Sendable {
    package var total: String
    package var parts: [String]

    /// The fields it is about.
    var names: [String] { parts + [total] }
}

/// How many accepted fields may be wrong, and how sure that is to be.
package struct AcceptanceOptions: Hashable, Sendable {
    /// Share of the accepted fields.
    package var error = 0.001
    /// Probability that the bound holds.
    package var level = 0.95

    package init() {}
}
