"""When, and who is told: jobs, schedules and sensors. What is made, and from what, is in `assets/`."""
