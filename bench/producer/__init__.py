"""The producer beside what people write: Faker asked for every value of every record."""
