"""WordPress, the real one on MariaDB: posts made, corrected and read back, and what its outages look like."""

from __future__ import annotations

from tests.counterparts.wordpress import WordPress


def test_smoke(wordpress_site: WordPress) -> None:
    print(wordpress_site.passwords)
    print(wordpress_site.posts())
    print(wordpress_site.page("/")[:300])
