"""Core values to and from ROS 2 messages as CDR bytes."""
