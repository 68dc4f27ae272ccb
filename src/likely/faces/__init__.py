"""What a person looks at: summaries, pictures, the progress line."""
