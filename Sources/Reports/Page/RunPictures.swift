/// Pictures of images and weights, as far as a run has them.
package struct RunPictures: Sendable {
    package var mistakes: Mistakes
    /// Nil where it could not be computed.
    package var embedding: EmbeddingMap?
    /// Nil where nothing was augmented, or nothing trained.
    package var augmentation: AugmentationSheet?
    /// Nil where no convolution reads the images.
    package var filters: FilterSheet?

    package init(
        mistakes: Mistakes, embedding: EmbeddingMap? = nil, augmentation: AugmentationSheet? = nil,
        filters: FilterSheet? = nil
    ) {
        self.mistakes = mistakes
        self.embedding = embedding
        self.augmentation = augmentation
        self.filters = filters
    }
}
