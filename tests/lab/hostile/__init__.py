"""Requests that no good client sends."""
