"""The DDS door: join a live ROS 2 graph without ROS."""
