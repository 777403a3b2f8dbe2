"""What the Chinese words of a text mean in English: many schemas are named in English and asked about in Chinese."""
