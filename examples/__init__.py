"""Programs that stand in for a neighbour of Gatehouse, for the demo and the tests."""
