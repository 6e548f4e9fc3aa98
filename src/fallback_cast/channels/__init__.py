"""One file per kind of channel; none knows another. `registry` names them, `kit` is what they share."""
