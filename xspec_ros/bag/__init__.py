"""The bag door: read, write, pack, extract and replay without ROS."""
