"""The addresses of Alma's API by region (server list of the Alma API documentation)."""

from typing import Final

REGION_URLS: Final = {
    "api-na": "https://api-na.hosted.exlibrisgroup.com",
    "api-eu": "https://api-eu.hosted.exlibrisgroup.com",
    "api-ap": "https://api-ap.hosted.exlibrisgroup.com",
    "api-aps": "https://api-aps.hosted.exlibrisgroup.com",
    "api-ca": "https://api-ca.hosted.exlibrisgroup.com",
    "api-cn": "https://api-cn.hosted.exlibrisgroup.com.cn",
}
"""Base URL by the first part of the region's host name."""
