//! Where the demo's company sells: three regions with two teams each, and the cities that a team covers.

use entity::shape::Position;

/// English and Chinese.
pub type Bilingual = (&'static str, &'static str);

pub struct Region {
    pub name: Bilingual,
    pub teams: [Team; 2],
}

pub struct Team {
    pub name: Bilingual,
    pub cities: &'static [City],
}

pub struct City {
    pub name: Bilingual,
    /// The province, or the municipality itself.
    pub region: Bilingual,
    pub centre: Position,
}

const fn city(en: &'static str, zh: &'static str, region: Bilingual, latitude: f64, longitude: f64) -> City {
    City { name: (en, zh), region, centre: Position { latitude, longitude } }
}

const JIANGSU: Bilingual = ("Jiangsu", "江苏");
const ZHEJIANG: Bilingual = ("Zhejiang", "浙江");
const GUANGDONG: Bilingual = ("Guangdong", "广东");
const SHANDONG: Bilingual = ("Shandong", "山东");

pub const REGIONS: [Region; 3] = [
    Region {
        name: ("East", "华东"),
        teams: [
            Team {
                name: ("Shanghai", "上海"),
                cities: &[
                    city("Shanghai", "上海", ("Shanghai", "上海"), 31.2304, 121.4737),
                    city("Suzhou", "苏州", JIANGSU, 31.2989, 120.5853),
                    city("Wuxi", "无锡", JIANGSU, 31.4912, 120.3119),
                ],
            },
            Team {
                name: ("Hangzhou", "杭州"),
                cities: &[
                    city("Hangzhou", "杭州", ZHEJIANG, 30.2741, 120.1551),
                    city("Ningbo", "宁波", ZHEJIANG, 29.8683, 121.5440),
                    city("Nanjing", "南京", JIANGSU, 32.0603, 118.7969),
                ],
            },
        ],
    },
    Region {
        name: ("South", "华南"),
        teams: [
            Team {
                name: ("Shenzhen", "深圳"),
                cities: &[
                    city("Shenzhen", "深圳", GUANGDONG, 22.5431, 114.0579),
                    city("Huizhou", "惠州", GUANGDONG, 23.1115, 114.4152),
                    city("Zhuhai", "珠海", GUANGDONG, 22.2711, 113.5767),
                ],
            },
            Team {
                name: ("Guangzhou", "广州"),
                cities: &[
                    city("Guangzhou", "广州", GUANGDONG, 23.1291, 113.2644),
                    city("Foshan", "佛山", GUANGDONG, 23.0218, 113.1219),
                    city("Dongguan", "东莞", GUANGDONG, 23.0207, 113.7518),
                ],
            },
        ],
    },
    Region {
        name: ("North", "华北"),
        teams: [
            Team {
                name: ("Beijing", "北京"),
                cities: &[
                    city("Beijing", "北京", ("Beijing", "北京"), 39.9042, 116.4074),
                    city("Tianjin", "天津", ("Tianjin", "天津"), 39.1256, 117.1902),
                    city("Baoding", "保定", ("Hebei", "河北"), 38.8739, 115.4646),
                ],
            },
            Team {
                name: ("Qingdao", "青岛"),
                cities: &[
                    city("Qingdao", "青岛", SHANDONG, 36.0671, 120.3826),
                    city("Jinan", "济南", SHANDONG, 36.6512, 117.1201),
                    city("Yantai", "烟台", SHANDONG, 37.4638, 121.4479),
                ],
            },
        ],
    },
];
