"""What a campaign came to: its funnel, over time, by country, sender and failure, and who is behind each number."""
