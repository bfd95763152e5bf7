import Pictures

/// What was read in a field.
package struct FieldReading: Sendable {
    package var name: String
    /// Values that the field may have, the most probable first; `""` for an empty one. Empty where nothing was read.
    package var values: [FieldValue]
    /// The most probable text, checks left aside.
    package var unchecked: String
    /// Why a person should look at it whatever the probability says; nil: nothing.
    package var problem: String?
    /// The field as it was seen, upright; nil where the page was not found.
    package var image: GreyImage?

    package var best: FieldValue? { values.first }
}

/// What was read on a page.
package struct PageReading: Sendable {
    /// Nil where the picture is no page of the form.
    package var registered: RegisteredPage?
    package var failure: String?
    package var fields: [FieldReading]
}
