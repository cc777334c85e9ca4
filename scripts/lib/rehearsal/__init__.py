"""The service on one machine as it stands on AWS: scripts/rehearse.

Real images or the plain program, real nginx, PostgreSQL and Redis. Each part of AWS has a small stand-in, whose first
lines say what it stands for and what it leaves out.
"""
